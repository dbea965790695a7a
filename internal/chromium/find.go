package chromium

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

const installAdvice = "install chromium-headless-shell (Debian: apt-get install -y chromium-headless-shell), or set the path of a Chromium"

// candidates are the executables that are looked for when the operator names none, best first: a headless shell takes a
// third of the processor time and half the memory of a full Chromium. Real binaries stand before the scripts of
// distributions that wrap them, which add settings of their own.
func candidates() []string {
	return []string{
		"/usr/lib/chromium/chromium-headless-shell", // Debian
		"chromium-headless-shell",
		"chrome-headless-shell",
		"/usr/lib/chromium/chromium",   // Debian, Arch
		"/usr/lib64/chromium/chromium", // Fedora
		"chromium",
		"/opt/google/chrome/chrome",
		"google-chrome",
	}
}

// wrapped tells the real binary behind the wrapper scripts that are known.
func wrapped(path string) string {
	switch path {
	case "/usr/bin/chromium-headless-shell":
		return "/usr/lib/chromium/chromium-headless-shell"
	case "/usr/bin/chromium":
		return "/usr/lib/chromium/chromium"
	case "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable":
		return "/opt/google/chrome/chrome"
	}
	return path
}

// Installed returns nil when there is a browser to start: the configured one, or any when path is empty. Else the error
// says what to install. It starts nothing.
func Installed(path string) error {
	if _, missing := find(path); missing != nil {
		return missing
	}
	return nil
}

// find returns the executable to start.
func find(configured string) (string, *Unavailable) {
	if configured == "" {
		return lookUp(candidates())
	}
	path, err := exec.LookPath(configured)
	switch {
	case err == nil:
		return behind(path), nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return "", unavailable(Missing, "browser %q does not exist: %s", configured, installAdvice)
	}
	return "", unavailable(Missing, "browser %q cannot be run (%v): %s", configured, errors.Unwrap(err), installAdvice)
}

// lookUp returns the first of the names that is there.
func lookUp(names []string) (string, *Unavailable) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return behind(path), nil
		}
	}
	return "", unavailable(Missing, "no Chromium is installed: %s", installAdvice)
}

// behind returns the real binary when path is the wrapper script of one.
func behind(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	binary := wrapped(abs)
	if _, err := os.Stat(binary); err != nil {
		return abs
	}
	return binary
}
