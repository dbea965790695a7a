package push

import (
	"os"
	"time"
)

// Written returns when a file was last written, or else what was known of it. Another content makes a touchpoint anew; a
// file that was written again with the same, as providers advise to do every month, shows only here.
func Written(file string, known time.Time) time.Time {
	if info, err := os.Stat(file); err == nil {
		return info.ModTime()
	}
	return known
}
