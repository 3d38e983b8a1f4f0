/**
 * The programs that npm does not have: where each comes from and which versions will do.
 * Everything under setup/*.mjs runs on Node 20 without any package.
 */

const GITHUB = 'https://github.com';
const KUBERNETES = 'https://dl.k8s.io';

/**
 * @typedef {object} Tool
 * @property {string} name        name of the program, of its cache file and of its folder under setup/go
 * @property {string} version
 * @property {string} variable    environment variable that names a program to use as it is
 * @property {string[]} versionArguments  print the version
 * @property {(version: number[]) => boolean} accepts  whether [major, minor, patch] of a program on PATH will do
 * @property {(platform: Platform, base?: string) => Release} release
 * @property {{target: string, flags: string[]}} go   what `go build` is told
 * @property {number} buildSeconds  measured on two cores, nothing compiled before
 *
 * @typedef {{os: 'linux' | 'darwin', arch: 'amd64' | 'arm64'}} Platform
 * @typedef {object} Release
 * @property {string} url
 * @property {string} checksums   URL of a file of `HASH  NAME` lines, or of one bare hash
 * @property {string} [member]    path of the program in the archive; absent = the file is the program
 */

// Code that is not optimised compiles a quarter faster, which is what counts for servers of a demo.
const UNOPTIMISED = '-gcflags=all=-N -l';

/** @type {readonly Tool[]} */
const TOOLS = [
  {
    name: 'temporal',
    version: '1.5.1',
    variable: 'REALIGN_TEMPORAL_BIN',
    versionArguments: ['--version'],
    accepts: ([major, minor]) => major === 1 && minor >= 5,
    release: ({ os, arch }, base = GITHUB) => {
      const root = `${base}/temporalio/cli/releases/download/v1.5.1`;
      return {
        url: `${root}/temporal_cli_1.5.1_${os}_${arch}.tar.gz`,
        checksums: `${root}/checksums.txt`,
        member: 'temporal',
      };
    },
    go: {
      target: 'github.com/temporalio/cli/cmd/temporal',
      flags: ['-ldflags=-s -w -X github.com/temporalio/cli/temporalcli.Version=1.5.1'],
    },
    buildSeconds: 190,
  },
  {
    name: 'etcd',
    version: '3.7.3',
    variable: 'REALIGN_ETCD_BIN',
    versionArguments: ['--version'],
    accepts: ([major, minor]) => major === 3 && minor >= 6,
    release: ({ os, arch }, base = GITHUB) => {
      const root = `${base}/etcd-io/etcd/releases/download/v3.7.3`;
      const name = `etcd-v3.7.3-${os}-${arch}`;
      return {
        url: `${root}/${name}.${os === 'darwin' ? 'zip' : 'tar.gz'}`,
        checksums: `${root}/SHA256SUMS`,
        member: `${name}/etcd`,
      };
    },
    go: { target: 'go.etcd.io/etcd/server/v3', flags: ['-ldflags=-s -w', UNOPTIMISED] },
    buildSeconds: 30,
  },
  {
    name: 'kube-apiserver',
    version: '1.36.3',
    variable: 'REALIGN_KUBE_APISERVER_BIN',
    versionArguments: ['--version'],
    accepts: ([major, minor]) => major === 1 && minor === 36,
    release: ({ os, arch }, base = KUBERNETES) => {
      const url = `${base}/release/v1.36.3/bin/${os}/${arch}/kube-apiserver`;
      return { url, checksums: `${url}.sha256` };
    },
    go: {
      target: 'k8s.io/kubernetes/cmd/kube-apiserver',
      flags: ['-ldflags=-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3', UNOPTIMISED],
    },
    buildSeconds: 225,
  },
];

/** @param {string} name @returns {Tool} */
export function toolNamed(name) {
  const tool = TOOLS.find((one) => one.name === name);
  if (!tool)
    throw new Error(
      `there is no tool ${name}; known are ${TOOLS.map((one) => one.name).join(', ')}`,
    );
  return tool;
}

/** @returns {Platform | undefined} undefined where no releases are published */
export function currentPlatform() {
  const os =
    process.platform === 'linux' || process.platform === 'darwin' ? process.platform : undefined;
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch];
  return os && arch ? { os, arch } : undefined;
}
