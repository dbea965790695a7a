package chromium

import "syscall"

// Leader returns the process id of the browser of a tab.
func (t *Tab) Leader() int { return t.process.group.leader }

// Dir returns the private directory of the browser of a tab.
func (t *Tab) Dir() string { return t.process.dir.path }

// Members returns the process ids of the browser of a tab, ended ones included.
func (t *Tab) Members() []int {
	var pids []int
	for _, m := range t.process.group.members(processes()) {
		pids = append(pids, m.pid)
	}
	return pids
}

// Zombies returns the ended children of the process that nobody has waited for.
func Zombies() []int {
	var pids []int
	for _, m := range processes() {
		if m.zombie && m.parent == syscall.Getpid() {
			pids = append(pids, m.pid)
		}
	}
	return pids
}
