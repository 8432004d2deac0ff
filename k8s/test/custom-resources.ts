import { type IObjectMeta } from '@kubernetes-models/apimachinery/apis/meta/v1/ObjectMeta';
import { type IPodSpec } from 'kubernetes-models/v1/PodSpec';
import { type IResourceRequirements } from 'kubernetes-models/v1/ResourceRequirements';

/**
 * Custom resources of which no package has the schema: as much of it as we use, so that a field that is not here is a fault.
 */
interface CustomResource<ApiVersion, Kind, Spec> {
  apiVersion: ApiVersion;
  kind: Kind;
  metadata: IObjectMeta;
  spec: Spec;
}

/** After api/v1beta1/rabbitmqcluster_types.go of github.com/rabbitmq/cluster-operator. `additionalConfig`: 2000 characters at most. */
export type RabbitmqCluster = CustomResource<
  'rabbitmq.com/v1beta1',
  'RabbitmqCluster',
  {
    replicas?: number;
    image?: string;
    persistence?: { storageClassName?: string; storage?: string };
    resources?: IResourceRequirements;
    rabbitmq?: { additionalPlugins?: string[]; additionalConfig?: string; advancedConfig?: string; envConfig?: string };
    tls?: { secretName?: string; caSecretName?: string; disableNonTLSListeners?: boolean };
    override?: { statefulSet?: { spec?: { template?: { spec?: Partial<IPodSpec> } } } };
    terminationGracePeriodSeconds?: number;
  }
>;

type Requirement = { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'; values?: string[] };

/** After pkg/apis/monitoring/v1/podmonitor_types.go of github.com/prometheus-operator/prometheus-operator. */
export type PodMonitor = CustomResource<
  'monitoring.coreos.com/v1',
  'PodMonitor',
  {
    selector: { matchLabels?: Record<string, string>; matchExpressions?: Requirement[] };
    podMetricsEndpoints: {
      port?: string;
      path?: string;
      params?: Record<string, string[]>;
      interval?: string;
      scrapeTimeout?: string;
      relabelings?: { sourceLabels?: string[]; targetLabel?: string; regex?: string; replacement?: string; action?: string }[];
    }[];
  }
>;

interface Rule {
  expr: string;
  labels?: Record<string, string>;
}

/** After pkg/apis/monitoring/v1/prometheusrule_types.go of the same. */
export type PrometheusRule = CustomResource<
  'monitoring.coreos.com/v1',
  'PrometheusRule',
  {
    groups: {
      name: string;
      interval?: string;
      rules: (
        | (Rule & { record: string })
        | (Rule & { alert: string; for?: string; keep_firing_for?: string; annotations?: Record<string, string> })
      )[];
    }[];
  }
>;
