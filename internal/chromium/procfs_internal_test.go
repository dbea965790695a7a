package chromium

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const rest = " 4 0x100 0 10 20 30 40 7 8 20 0 5 0 100 200 300"
	for _, test := range []struct {
		name, data string
		want       member
		ok         bool
	}{
		{
			"running", "42 (chromium) S 7 40 39 0 -1 4194560 1 2 3 4 11 22 33 44 20 0",
			member{pid: 42, parent: 7, group: 40, session: 39, cpu: 1100 * time.Millisecond},
			true,
		},
		{
			"a name with a parenthesis and spaces", "42 (a) Z 1 (b) Z 7 40 39 0 -1 4194560 1 2 3 4 1 0 0 0 20 0",
			member{pid: 42, parent: 7, group: 40, session: 39, zombie: true, cpu: 10 * time.Millisecond},
			true,
		},
		{"cut off", "42 (chromium) S 7 40", member{}, false},
		{"no name", "42 chromium S 7 40 39" + rest, member{}, false},
		{"no numbers", "42 (chromium) S x 40 39 0 -1 4194560 1 2 3 4 11 22 33 44 20 0", member{pid: 42, group: 40, session: 39, cpu: 1100 * time.Millisecond}, false},
		{"empty", "", member{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := parseStat(42, []byte(test.data))
			if got != test.want || ok != test.ok {
				t.Errorf("%+v, %v; want %+v, %v", got, ok, test.want, test.ok)
			}
		})
	}
}

func TestProcesses(t *testing.T) {
	for _, m := range processes() {
		if m.pid == os.Getpid() {
			if m.parent != os.Getppid() || m.zombie || m.stray() {
				t.Errorf("the test itself is %+v", m)
			}
			return
		}
	}
	t.Error("the test itself is not among the processes")
}

func TestParseRollup(t *testing.T) {
	const rollup = "55d0c0000000-7ffd000 ---p 00000000 00:00 0 [rollup]\nRss: 884 kB\nPss: 385 kB\nPss_Dirty: 80 kB\n"
	for _, test := range []struct {
		name, data string
		want       int64
		ok         bool
	}{
		{"as the kernel writes it", rollup, 385 << 10, true},
		{"without the line", "Rss: 884 kB\n", 0, false},
		{"no number", "Pss: many kB\n", 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, ok := parseRollup(test.data); got != test.want || ok != test.ok {
				t.Errorf("%d, %v; want %d, %v", got, ok, test.want, test.ok)
			}
		})
	}
}

func TestParseStatm(t *testing.T) {
	page := int64(os.Getpagesize())
	for _, test := range []struct {
		name, data string
		want       int64
	}{
		{"as the kernel writes it", "20000 500 200 1 0 800 0\n", 300 * page},
		{"more shared than resident", "20000 100 200 1 0 800 0\n", 0},
		{"cut off", "20000 100", 0},
		{"no numbers", "20000 a b 1", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := parseStatm(test.data); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}

func TestMemory(t *testing.T) {
	if got := memory(os.Getpid()); got < 1<<20 {
		t.Errorf("%d bytes of the test itself, want at least 1 MiB", got)
	}
	if got := memory(0); got != 0 {
		t.Errorf("%d bytes of no process, want 0", got)
	}
}
