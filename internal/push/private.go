package push

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxPrivate bounds what is read of a file with keys, tokens or a subscription, in bytes.
const maxPrivate = 64 << 10

// CheckPrivate refuses a file with a secret that everybody on this machine can read. A file that is not there, and no
// name at all, is left to those who read it. The error is a FieldError of field.
func CheckPrivate(field, file string) error {
	const everybody fs.FileMode = 0o004
	if file == "" {
		return nil
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm()&everybody == 0 {
		return nil //nolint:nilerr // whoever reads the file says why that fails
	}
	return probe.Fieldf(field, "%s can be read by everybody (mode %04o), want 0640 or less", file, info.Mode().Perm())
}

// ReadPrivate returns the content of a file with a secret, and when it was last written. A missing name, a file that
// everybody can read and one of more than 64 KiB are errors. The error is a FieldError of field and holds nothing of the
// content.
func ReadPrivate(field, file string) ([]byte, time.Time, error) {
	if file == "" {
		return nil, time.Time{}, probe.Fieldf(field, "missing, want the name of a file")
	}
	if err := CheckPrivate(field, file); err != nil {
		return nil, time.Time{}, err
	}
	info, err := os.Stat(file)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", file) // reading from some others never ends
	}
	if err != nil {
		return nil, time.Time{}, probe.Fieldf(field, "%w", err)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, time.Time{}, probe.Fieldf(field, "%w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxPrivate+1))
	switch {
	case err != nil:
		return nil, time.Time{}, probe.Fieldf(field, "%w", err)
	case len(data) > maxPrivate:
		return nil, time.Time{}, probe.Fieldf(field, "%s has more than %d bytes", file, maxPrivate)
	}
	return data, info.ModTime(), nil
}
