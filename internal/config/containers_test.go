package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/channelwatch/channelwatch/internal/chromium"
	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
)

// What a browser needs of a container, at the least.
const (
	browserMemory = 512 << 20
	browserShm    = 256 << 20
	browserPIDs   = 200
)

// stages returns the instructions of each stage of the Dockerfile, continued lines joined, by name; the last one's is empty.
func stages(t *testing.T) map[string][]string {
	t.Helper()
	text := strings.ReplaceAll(string(read(t, "../../Dockerfile")), "\\\n", "")
	found, name := make(map[string][]string), ""
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if words[0] == "FROM" {
			if name = ""; len(words) > 2 && words[len(words)-2] == "AS" {
				name = words[len(words)-1]
			}
		}
		found[name] = append(found[name], strings.Join(words, " "))
	}
	if name != "" {
		t.Errorf("the last stage is %q, want the one without a browser: it is what a plain build makes", name)
	}
	return found
}

// TestDockerfile_Targets wants the image with a browser to be the other one with a browser.
func TestDockerfile_Targets(t *testing.T) {
	all := stages(t)
	plain, browser := all[""], all["browser"]
	if !slices.Contains(plain, "FROM scratch") {
		t.Errorf("the default target is %q, want it from scratch", plain)
	}
	for _, line := range plain {
		if word, _, _ := strings.Cut(line, " "); word != "FROM" && word != "COPY" && word != "HEALTHCHECK" && !slices.Contains(browser, line) {
			t.Errorf("the target browser has no %q", line)
		}
	}
	err := chromium.Installed("/nonexistent/browser")
	if err == nil {
		t.Fatal("a browser that does not exist was found")
	}
	advice := regexp.MustCompile(`apt-get install -y ([a-z-]+)`).FindStringSubmatch(err.Error())
	if advice == nil {
		t.Fatalf("got %q, want the package to install", err)
	}
	if run := strings.Join(browser, "\n"); !regexp.MustCompile(`apt-get install [^&]* ` + advice[1] + ` [^&]*fonts-`).MatchString(run) {
		t.Errorf("the target browser does not install %s, which the agent looks for, and fonts:\n%s", advice[1], run)
	}
}

// TestDockerfile_Context wants all that is copied to be let through by .dockerignore, packages of the program above all.
func TestDockerfile_Context(t *testing.T) {
	through := strings.Fields(string(read(t, "../../.dockerignore")))
	for _, line := range slices.Concat(stages(t)["build"], stages(t)[""], stages(t)["browser"]) {
		words := strings.Fields(line)
		if words[0] != "COPY" || strings.HasPrefix(words[1], "--from") {
			continue
		}
		for _, source := range words[1 : len(words)-1] {
			top, _, _ := strings.Cut(source, "/")
			if !slices.Contains(through, "!"+top) {
				t.Errorf("%s is copied, and .dockerignore keeps %s out", source, top)
			}
		}
	}
}

func TestCompose_Browser(t *testing.T) {
	var file struct {
		Services map[string]struct {
			Build       struct{ Target string }
			ShmSize     string   `yaml:"shm_size"`
			MemLimit    string   `yaml:"mem_limit"`
			PIDsLimit   int      `yaml:"pids_limit"`
			SecurityOpt []string `yaml:"security_opt"`
		}
	}
	if err := yaml.Unmarshal(read(t, configs+"/compose.browser.yaml"), &file); err != nil {
		t.Fatal(err)
	}
	s := file.Services["channelwatch"]
	if _, ok := stages(t)[s.Build.Target]; !ok || s.Build.Target != "browser" {
		t.Errorf("got target %q, want browser", s.Build.Target)
	}
	if s.PIDsLimit < browserPIDs || quantity(t, s.MemLimit) < browserMemory || quantity(t, s.ShmSize) < browserShm {
		t.Errorf("got %d processes, memory %s, shared %s, want at least %d, %d and %d", s.PIDsLimit, s.MemLimit, s.ShmSize, browserPIDs, browserMemory, browserShm)
	}
	if len(s.SecurityOpt) != 1 {
		t.Fatalf("got security_opt %q, want the profile", s.SecurityOpt)
	}
	read(t, filepath.Join(configs, strings.TrimPrefix(s.SecurityOpt[0], "seccomp=")))
}

// quantity reads "512m", "1g", "512Mi" and "1Gi".
func quantity(t *testing.T, text string) int64 {
	t.Helper()
	parts := regexp.MustCompile(`^(\d+)([mg])i?$`).FindStringSubmatch(strings.ToLower(text))
	if parts == nil {
		t.Fatalf("quantity %q, want a number with m or g", text)
	}
	n, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return n << map[string]int{"m": 20, "g": 30}[parts[2]]
}

// pod is what is looked at in a deployment of agents with a browser.
type pod struct {
	Kind string
	Data map[string]string
	Spec struct {
		Template struct {
			Spec struct {
				SecurityContext struct {
					RunAsNonRoot   bool                  `yaml:"runAsNonRoot"`
					SeccompProfile struct{ Type string } `yaml:"seccompProfile"`
				} `yaml:"securityContext"`
				Containers []struct {
					Resources       struct{ Requests, Limits map[string]string }
					SecurityContext struct {
						AllowPrivilegeEscalation bool `yaml:"allowPrivilegeEscalation"`
						Capabilities             struct{ Drop []string }
					} `yaml:"securityContext"`
					VolumeMounts []struct {
						Name      string
						MountPath string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
				}
				Volumes []struct {
					Name     string
					EmptyDir struct {
						Medium    string
						SizeLimit string `yaml:"sizeLimit"`
					} `yaml:"emptyDir"`
				}
			}
		}
	}
}

func TestKubernetes_Browser(t *testing.T) {
	in := yaml.NewDecoder(bytes.NewReader(read(t, configs+"/kubernetes/browser.yaml")))
	var pods, visited int
	for {
		var p pod
		if err := in.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if text, ok := p.Data["channelwatch.yaml"]; ok {
			c, err := config.Parse("browsers", []byte(text), kinds.All())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for _, touchpoint := range c.Touchpoints() {
				if touchpoint.Kind == "browser" {
					visited++
				}
			}
		}
		if p.Kind == "Deployment" {
			pods++
			checkPod(t, &p)
		}
	}
	if pods != 1 || visited == 0 {
		t.Errorf("got %d deployments that visit %d pages, want 1 and some", pods, visited)
	}
}

func checkPod(t *testing.T, p *pod) {
	t.Helper()
	spec := p.Spec.Template.Spec
	if !spec.SecurityContext.RunAsNonRoot || spec.SecurityContext.SeccompProfile.Type != "Localhost" {
		t.Errorf("got security context %+v, want no root and a profile of its own", spec.SecurityContext)
	}
	c := spec.Containers[0]
	if c.SecurityContext.AllowPrivilegeEscalation || !slices.Equal(c.SecurityContext.Capabilities.Drop, []string{"ALL"}) {
		t.Errorf("got %+v, want neither privileges nor capabilities: the profile is made for none", c.SecurityContext)
	}
	if got := c.Resources.Requests["memory"]; quantity(t, got) < browserMemory || c.Resources.Limits["cpu"] != "" {
		t.Errorf("got resources %+v, want at least %d bytes and no limit of CPU", c.Resources, browserMemory)
	}
	for _, mount := range c.VolumeMounts {
		for _, volume := range spec.Volumes {
			if mount.MountPath == "/dev/shm" && volume.Name == mount.Name && volume.EmptyDir.Medium == "Memory" && quantity(t, volume.EmptyDir.SizeLimit) >= browserShm {
				return
			}
		}
	}
	t.Errorf("got no memory of at least %d bytes at /dev/shm", browserShm)
}

// TestSeccomp_Browser wants a profile that allows what is listed, the browser's sandbox among it, and nothing by which a
// process without a capability could reach out of its container.
func TestSeccomp_Browser(t *testing.T) {
	var profile struct {
		DefaultAction string
		Architectures []string
		Syscalls      []struct {
			Names    []string
			Action   string
			Args     []any
			Includes any // conditions are known to Docker only
			Excludes any
		}
	}
	if err := json.Unmarshal(read(t, configs+"/seccomp/browser.json"), &profile); err != nil {
		t.Fatal(err)
	}
	if profile.DefaultAction != "SCMP_ACT_ERRNO" {
		t.Errorf("what is not listed gets %q, want an error", profile.DefaultAction)
	}
	for _, arch := range []string{"SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"} {
		if !slices.Contains(profile.Architectures, arch) {
			t.Errorf("no %s among %q", arch, profile.Architectures)
		}
	}
	allowed := make(map[string]bool)
	for _, rule := range profile.Syscalls {
		if rule.Includes != nil || rule.Excludes != nil {
			t.Errorf("a condition is left for %q", rule.Names)
		}
		for _, name := range rule.Names {
			if rule.Action == "SCMP_ACT_ALLOW" && len(rule.Args) == 0 {
				allowed[name] = true
			}
		}
	}
	for _, name := range []string{"chroot", "clone", "unshare", "execve", "futex", "seccomp"} {
		if !allowed[name] {
			t.Errorf("%s is not allowed, which the browser needs", name)
		}
	}
	for _, name := range []string{
		"bpf", "clone3", "init_module", "kexec_load", "keyctl", "mount", "open_by_handle_at", "perf_event_open", "pivot_root", "reboot", "setns",
		"socket", "swapon", "umount2", "userfaultfd",
	} {
		if allowed[name] {
			t.Errorf("%s is allowed", name)
		}
	}
}

// TestSystemd_Browser wants the addition for a browser to open what its sandbox is made of, and nothing else of the unit.
func TestSystemd_Browser(t *testing.T) {
	want := map[string]string{
		"RestrictNamespaces":     "user pid net",
		"SystemCallFilter":       "capset chroot seccomp",
		"MemoryDenyWriteExecute": "no",
	}
	for line := range strings.Lines(string(read(t, configs+"/systemd/browser.conf"))) {
		key, value, isSetting := strings.Cut(strings.TrimSpace(line), "=")
		if !isSetting || strings.HasPrefix(key, "#") || key == "MemoryMax" || key == "TasksMax" {
			continue
		}
		if want[key] != value {
			t.Errorf("%s is %q, want %q", key, value, want[key])
		}
		delete(want, key)
	}
	if len(want) > 0 {
		t.Errorf("without %v", want)
	}
}
