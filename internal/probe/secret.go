package probe

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Secret is a reference to a credential: in YAML `{file: path}` or `{env: NAME}`, never inline. It prints as
// [redacted] in every verb. The zero value is no secret.
type Secret struct {
	File string `yaml:"file"`
	Env  string `yaml:"env"`
}

// maxSecret bounds a secret file.
const maxSecret = 64 << 10

// IsZero reports whether nothing is referred to.
func (s Secret) IsZero() bool { return s == Secret{} }

// Read returns the secret without trailing line ends. It reads the file or the environment at every call, so that a
// rotated secret is seen by the next build. A secret that is too short to be hidden in what services echo is an error.
func (s Secret) Read() (string, error) {
	secret, err := s.read()
	if err != nil {
		return "", err
	}
	if len(secret) < leastSecret {
		return "", fmt.Errorf("%s has %d bytes, want at least %d, else results cannot be kept free of it", s.source(), len(secret), leastSecret)
	}
	return secret, nil
}

// source names where the secret is kept.
func (s Secret) source() string {
	if s.File != "" {
		return s.File
	}
	return "environment variable " + s.Env
}

func (s Secret) read() (string, error) {
	switch {
	case s.File != "" && s.Env != "":
		return "", errors.New("both file and env are set, want one")
	case s.Env != "":
		value, ok := os.LookupEnv(s.Env)
		if !ok || value == "" {
			return "", fmt.Errorf("%s is not set", s.source())
		}
		return value, nil
	case s.File != "":
		info, err := os.Stat(s.File)
		if err != nil {
			return "", err
		}
		if info.Size() > maxSecret {
			return "", fmt.Errorf("%s has %d bytes, want at most %d", s.File, info.Size(), maxSecret)
		}
		data, err := os.ReadFile(s.File)
		if err != nil {
			return "", err
		}
		return strings.TrimRight(string(data), "\r\n"), nil
	}
	return "", errors.New("want {file: …} or {env: …}")
}

// String hides everything.
func (Secret) String() string { return "[redacted]" }

// GoString hides everything.
func (Secret) GoString() string { return "[redacted]" }
