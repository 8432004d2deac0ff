import { buildTar } from './tar.builder.js';

export const DOCKERFILE = `# syntax=docker/dockerfile:1
ARG RELEASE=12

FROM --platform=linux/amd64 \\
  debian:\${RELEASE} AS base
RUN echo hello > /greeting
`;

export const BUILD_CONTEXT = buildTar([
  { name: './', flag: '5' },
  { name: './Dockerfile', content: DOCKERFILE },
  { name: './app/', flag: '5' },
  { name: './app/manifest.json', content: '{"name":"a web application, not an image"}' },
  { name: './app/current', flag: '2', linkname: '../app/manifest.json' },
  { name: './app/zone', flag: '2', linkname: '/usr/share/zoneinfo/UTC' },
]);

export const PACKER_JSON = JSON.stringify({ builders: [{ type: 'qemu', iso_url: 'x' }, { type: 'docker' }, { type: 'qemu' }] });

export const PACKER_HCL = `packer {
  required_plugins { qemu = { version = "~> 1" } } # a comment with a "quote and a {
}
variable "name" { default = "\${upper("a}b")}" }
source "qemu" "base" {
  boot_command = <<-EOF
    not a } closing brace, "nor a string
    EOF
}
build {
  sources = ["source.qemu.base"]
}
`;
