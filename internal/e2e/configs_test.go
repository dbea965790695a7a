package e2e_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestConfigs_AreAcceptedByTheirPrograms asks each program whether it takes the configuration that ships for it. The
// rules and their tests are the business of package docs.
func TestConfigs_AreAcceptedByTheirPrograms(t *testing.T) {
	for _, tc := range []struct {
		program program
		args    []string
		file    string
		want    string
	}{
		{promtool, []string{"check", "config"}, "prometheus/prometheus.yaml", "prometheus.yaml is valid prometheus config file syntax"},
		{amtool, []string{"check-config"}, "alertmanager/alertmanager.yaml", "SUCCESS"},
	} {
		t.Run(tc.file, func(t *testing.T) {
			args := append(tc.args, filepath.Join("..", "..", "configs", filepath.FromSlash(tc.file)))
			out, err := exec.CommandContext(t.Context(), tc.program.path(t), args...).CombinedOutput()
			if err != nil || !strings.Contains(string(out), tc.want) {
				t.Errorf("%s %s: %v, want %q in:\n%s", tc.program.name, strings.Join(args, " "), err, tc.want, out)
			}
		})
	}
}

// TestConfigs_AlertsGoToWhoMustAct asks Alertmanager's own tool for the receiver of every alert that ships.
func TestConfigs_AlertsGoToWhoMustAct(t *testing.T) {
	operators := []string{
		"AgentAbsent", "AgentBlind", "AgentBrowserUnavailable", "AgentCannotTell", "AgentDoesNotRecord", "ConfigReloadFailed",
		"SeriesRejected", "ShardMismatch",
	}
	alerts := shipped(t, "prometheus/channelwatch.alerts.yaml") + shipped(t, "prometheus/channelwatch.fleet.alerts.yaml")
	all := regexp.MustCompile(`(?ms)^ +- alert: (\w+)$.+?^ +severity: (\w+)$`).FindAllStringSubmatch(alerts, -1)
	if len(all) != strings.Count(alerts, "- alert: ") || len(all) < 14 {
		t.Fatalf("%d alerts, want all that ship", len(all))
	}
	for _, alert := range all {
		name, severity, want := alert[1], alert[2], "both"
		switch {
		case severity == "info": // what it rests on may be forged
			want = "nobody"
		case slices.Contains(operators, name):
			want = "operators"
		}
		out, err := exec.CommandContext(t.Context(), amtool.path(t), "config", "routes", "test",
			"--config.file="+filepath.Join("..", "..", "configs", "alertmanager", "alertmanager.yaml"), "alertname="+name, "severity="+severity).Output() // stderr has a warning
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s goes to %q (%v), want %s", name, got, err, want)
		}
	}
}
