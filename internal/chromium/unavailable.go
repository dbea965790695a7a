package chromium

import (
	"fmt"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// The checks of an Unavailable error. None of them says anything of the page.
const (
	Missing   probe.CheckID = "browser_missing" // no browser is installed
	NoSandbox probe.CheckID = "browser_sandbox" // the host does not let the browser lock its pages in
	Failed    probe.CheckID = "browser_failed"  // it did not start, or stopped answering
	Crashed   probe.CheckID = "browser_crashed" // it ended while it was in use
)

// Unavailable says that the agent has no browser to visit pages with.
type Unavailable struct { //nolint:errname // it reads as what it says: the browser is unavailable
	Check  probe.CheckID
	Detail string // what happened and what to install or change
}

// Error returns the detail.
func (u *Unavailable) Error() string { return u.Detail }

func unavailable(check probe.CheckID, format string, args ...any) *Unavailable {
	return &Unavailable{Check: check, Detail: fmt.Sprintf(format, args...)}
}

const sandboxAdvice = "allow unprivileged user namespaces (kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0, " +
	"kernel.apparmor_restrict_unprivileged_userns=0; in a container a seccomp profile that permits clone, unshare and setns), " +
	"or install the package chromium-sandbox without forbidding new privileges, or set sandbox: false"

// sandboxTexts are what Chromium writes when it cannot build its sandbox (sandbox/linux, content/browser/zygote_host,
// content/app).
func sandboxTexts() []string {
	return []string{
		"No usable sandbox",
		"setuid sandbox is not running as root",
		"SUID sandbox helper binary was found, but is not configured correctly",
		"Failed to move to new namespace",
		"without --no-sandbox is not supported",
		"zygote_host_impl_linux.cc",
	}
}

// diagnose says why a browser ended or did not answer while it was being started, from what it wrote.
func diagnose(name, written string, cause error) *Unavailable {
	said := remark(written)
	for _, text := range sandboxTexts() {
		if strings.Contains(written, text) {
			return unavailable(NoSandbox, "%s cannot start its sandbox (%s): %s", name, said, sandboxAdvice)
		}
	}
	if said == "" {
		return unavailable(Failed, "starting %s: %v", name, cause)
	}
	return unavailable(Failed, "starting %s: %v; it wrote: %s", name, cause, said)
}
