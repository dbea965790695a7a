package agent_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The parts of a benchmark are processes of their own, so that the CPU time of one is not counted as another's: the
// test binary starts itself again in one of these roles.
const (
	roleEnv = "AGENT_BENCH_ROLE"
	jobEnv  = "AGENT_BENCH_JOB" // what the role is to do, as JSON

	targetRole  = "target"   // answers, and keeps a log
	directRole  = "direct"   // probes with no more than a socket
	netHTTPRole = "net/http" // probes with http.Transport
	agentRole   = "agent"    // probes as a whole agent
)

// play is the life of a process in a role.
func play(role string) error {
	var j job
	if err := json.Unmarshal([]byte(os.Getenv(jobEnv)), &j); err != nil {
		return fmt.Errorf("reading %s: %w", jobEnv, err)
	}
	switch role {
	case targetRole:
		return playTarget(&j)
	case directRole, netHTTPRole:
		return playYardstick(role, &j)
	case agentRole:
		return playAgent(&j)
	}
	return fmt.Errorf("%s is %q, want a role", roleEnv, role)
}

// job is what a process needs to know for its role.
type job struct {
	CertFile, KeyFile string        // target: what it serves TLS with; yardsticks: CertFile holds the root
	URLs              []string      // yardsticks: one for each touchpoint
	Every             time.Duration // yardsticks: between two probes of a touchpoint
	Config            string        // agent: file
}

// answer answers the questions that come in on standard input, one a line, until it ends. The first line that it writes
// answers no question: it says that the process is ready.
func answer(ready any, to func(question string) any) error {
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(ready); err != nil {
		return err
	}
	questions := bufio.NewScanner(os.Stdin)
	for questions.Scan() {
		if err := out.Encode(to(questions.Text())); err != nil {
			return err
		}
	}
	return questions.Err()
}

// cpuTime returns the user and system time of this process.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// process is another copy of this binary in a role.
type process struct {
	tb      testing.TB
	role    string
	command *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
}

// startProcess starts a process and decodes what it says when it is ready.
func startProcess(tb testing.TB, role string, j *job, ready any) *process {
	tb.Helper()
	text, err := json.Marshal(j)
	if err != nil {
		tb.Fatal(err)
	}
	p := &process{tb: tb, role: role, command: exec.CommandContext(tb.Context(), os.Args[0], "-test.run=^$")}
	p.command.Env = append(os.Environ(), roleEnv+"="+role, jobEnv+"="+string(text))
	p.command.Stderr = os.Stderr
	stdin, errIn := p.command.StdinPipe()
	stdout, errOut := p.command.StdoutPipe()
	if err := errors.Join(errIn, errOut, p.command.Start()); err != nil {
		tb.Fatalf("starting the %s: %v", role, err)
	}
	p.in, p.out = stdin, json.NewDecoder(stdout)
	if err := p.out.Decode(ready); err != nil {
		tb.Fatalf("starting the %s: %v", role, err)
	}
	return p
}

// ask asks a question and decodes the answer.
func (p *process) ask(question string, answer any) {
	p.tb.Helper()
	if _, err := io.WriteString(p.in, question+"\n"); err != nil {
		p.tb.Fatalf("asking the %s for %s: %v", p.role, question, err)
	}
	if err := p.out.Decode(answer); err != nil {
		p.tb.Fatalf("asking the %s for %s: %v", p.role, question, err)
	}
}

// cpu returns the CPU time that the process has used.
func (p *process) cpu() (used time.Duration) {
	p.tb.Helper()
	p.ask("cpu", &used)
	return used
}

// resident returns a size in /proc of the process, such as VmRSS, in bytes.
func (p *process) resident(name string) (size int64) {
	p.tb.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		p.tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), name+":")
	if _, err := fmt.Sscanf(rest, "%d kB", &size); err != nil {
		p.tb.Fatalf("reading %s of the %s: %v", name, p.role, err)
	}
	return size << 10
}

// stop ends the process and waits for it.
func (p *process) stop() {
	p.tb.Helper()
	_ = p.in.Close()
	if err := p.command.Wait(); err != nil {
		p.tb.Errorf("the %s: %v", p.role, err)
	}
}
