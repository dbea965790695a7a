package egress

import (
	"fmt"
	"strings"
)

// CheckPattern returns an error unless a pattern is a host name, or "*." and a host name.
func CheckPattern(pattern string) error {
	host := strings.TrimPrefix(pattern, "*.")
	if _, ok := parseHost(host); !ok || strings.Contains(host, "*") {
		return fmt.Errorf("host pattern %q, want a host name or *.name", pattern)
	}
	return nil
}

// blocked reports whether one of the patterns is the host, or a parent of it with a star.
func blocked(patterns []string, host string) bool {
	host, ok := parseHost(host)
	if !ok {
		return false
	}
	for _, pattern := range patterns {
		if parent, star := strings.CutPrefix(pattern, "*"); star {
			parent = strings.ToLower(strings.TrimSuffix(parent, "."))
			if strings.HasSuffix(host, parent) && len(host) > len(parent) {
				return true
			}
			continue
		}
		if own, _ := parseHost(pattern); own == host {
			return true
		}
	}
	return false
}
