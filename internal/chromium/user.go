package chromium

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// enterable says which directory on the way to path the browser's user cannot enter; nil when it can reach all. Access
// lists beyond the permission bits are not considered.
func enterable(path string, owner *syscall.Credential) error {
	if owner == nil {
		return nil
	}
	for dir := path; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		const search = 0o1 // execute, of others
		bits := info.Mode().Perm()
		stat, ok := info.Sys().(*syscall.Stat_t)
		switch {
		case ok && stat.Uid == owner.Uid:
			bits >>= 6
		case ok && stat.Gid == owner.Gid:
			bits >>= 3
		}
		if bits&search == 0 {
			return fmt.Errorf("user %d, who the browser runs as, cannot enter %q: name another directory for browsers, or permit it", owner.Uid, dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// fallbackUser is who runs the browser of a root agent when the operator names nobody.
const fallbackUser = "nobody"

// nobodyID is the user and group of nobody where no list of users exists, as in a container without one (Linux: overflowuid).
const nobodyID = 65534

// credential is who the browser runs as: nil means the agent's own user. Chromium refuses its sandbox to root, so a root
// agent hands it to another user.
func credential(configured string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	name := configured
	if name == "" {
		name = fallbackUser
	}
	account, err := user.Lookup(name)
	if err != nil {
		account, err = user.LookupId(name)
	}
	if err != nil {
		if configured == "" {
			return &syscall.Credential{Uid: nobodyID, Gid: nobodyID}, nil
		}
		return nil, fmt.Errorf("user %q to run the browser as: %w", name, err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %q to run the browser as: id %q: %w", name, account.Uid, err)
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %q to run the browser as: group %q: %w", name, account.Gid, err)
	}
	if uid == 0 {
		return nil, fmt.Errorf("user %q to run the browser as is root, which Chromium refuses its sandbox", name)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
