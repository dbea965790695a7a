package e2e_test

import (
	"os/exec"
	"path/filepath"
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
