"""Makes the accounts and the catalogue of a new cloud: accounts.py KEYSTONE_URL. A user's password is its name and `-password`."""

import sys

from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session
from keystoneclient.v3.client import Client

ACCOUNTS = [
    # project, user, roles
    ('vice', 'vice', ['member']),
    ('other', 'other', ['member']),
    ('service', 'glance', ['admin', 'service']),
    ('service', 'nova', ['admin', 'service']),
]
# identity is there since the bootstrap
SERVICES = {'glance': 'image', 'placement': 'placement', 'nova': 'compute', 'neutron': 'network'}

url = sys.argv[1]
admin = Password(url, username='admin', password='admin-password', project_name='admin', user_domain_name='Default', project_domain_name='Default')
keystone = Client(session=Session(auth=admin), interface='public')
roles = {role.name: role for role in keystone.roles.list()}
projects = {}

for project, user, granted in ACCOUNTS:
    if project not in projects:
        projects[project] = keystone.projects.create(project, domain='default')
    account = keystone.users.create(user, domain='default', password=f'{user}-password', default_project=projects[project])
    for role in granted:
        if role not in roles:
            roles[role] = keystone.roles.create(role)
        keystone.roles.grant(roles[role], user=account, project=projects[project])

for name, kind in SERVICES.items():
    service = keystone.services.create(name, type=kind)
    for interface in 'public', 'internal', 'admin':
        # each start of a cloud puts its own address in its place
        keystone.endpoints.create(service, 'http://127.0.0.1', interface=interface, region='RegionOne')
