package chromium

import (
	"strconv"
	"syscall"
)

const (
	// heapMiB caps the JavaScript heap of one renderer. Pages that need more crash on phones too; the cap makes a runaway
	// page a crashed tab instead of a host without memory.
	heapMiB = 512

	// smallShm is the size of /dev/shm, in bytes, below which Chromium is told to stay out of it: a full one crashes tabs
	// (Docker's default is 64 MiB).
	smallShm = 256 << 20
)

// flags are the command line of a browser whose private directory is dir.
//
// Site isolation is left as each binary has it. A headless shell keeps frames of other sites in the page's process, which
// costs 15 % less processor time; a full Chromium gives them sessions of their own. Both are counted the same, because the
// sessions below a tab are followed. What isolation would protect is not there: each visit has a fresh context with
// nothing of another visit in it, inside the sandbox.
func flags(dir string, sandbox, shm bool) []string {
	all := []string{
		"--headless",
		"--remote-debugging-pipe",
		"--user-data-dir=" + dir,
		"--no-startup-window",

		// Nothing but the pages that are visited may use the network: what has no proxy of its own finds one where nobody
		// listens, and names are resolved by proxies alone.
		"--proxy-server=127.0.0.1:9",
		"--proxy-bypass-list=<-loopback>",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		"--disable-quic", // no proxy carries it
		"--webrtc-ip-handling-policy=disable_non_proxied_udp",
		"--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
		"--disable-background-networking",
		"--disable-component-update",
		"--disable-domain-reliability",
		"--disable-client-side-phishing-detection",
		"--disable-sync",
		"--disable-features=Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider,InterestFeedContentSuggestions",
		"--disable-field-trial-config",

		// A visitor of a new installation, who is asked nothing.
		"--no-first-run",
		"--no-default-browser-check",
		"--disable-default-apps",
		"--disable-extensions",
		"--deny-permission-prompts",
		"--password-store=basic",
		"--mute-audio",

		// A page is in front for as long as it is visited, and is not slowed down like one in the background.
		"--disable-background-timer-throttling",
		"--disable-backgrounding-occluded-windows",
		"--disable-renderer-backgrounding",

		// What pages say on their console is information, and no matter of the agent's log: errors and worse are written.
		"--enable-logging=stderr",
		"--log-level=2",

		// A crash writes nothing to disk.
		"--disable-breakpad",
		"--disable-crash-reporter",

		"--js-flags=--max-old-space-size=" + strconv.Itoa(heapMiB),
	}
	if !sandbox {
		all = append(all, "--no-sandbox")
	}
	if !shm {
		all = append(all, "--disable-dev-shm-usage")
	}
	return all
}

// roomyShm tells whether shared memory of the host is large enough for a browser.
func roomyShm() bool {
	var fs syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &fs); err != nil {
		return false
	}
	return fs.Blocks*uint64(fs.Bsize) >= smallShm
}
