# Makes the profile for a container with a browser from the default profile of Docker:
#   jq -f configs/seccomp/browser.jq default.json > configs/seccomp/browser.json
# default.json is seccomp/default.json of https://github.com/moby/profiles (Apache License 2.0), v0.2.3 for the file here.
#
# The result holds for containers without any capability, and is written out: no condition is left that only Docker knows, so
# that containerd and CRI-O take it as well.
def holds:
  (.includes.caps == null)
  and (.includes.arches == null or any(.includes.arches[]; . == "amd64" or . == "arm64"))
  and ((.names == ["clone"]) | not);  # replaced by the rule below
{
  defaultAction,
  defaultErrnoRet,
  architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
  syscalls: (
    [.syscalls[] | select(holds) | del(.includes, .excludes, .comment) | with_entries(select(.value != null))]
    # The browser's sandbox: namespaces of its own for pages, and nothing to see of the file system. Each of these calls asks
    # for a capability in the namespace that it is made in, or makes a new one.
    + [{names: ["chroot", "clone", "unshare"], action: "SCMP_ACT_ALLOW"}]
  )
}
