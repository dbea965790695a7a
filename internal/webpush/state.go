package webpush

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// State is what a receiver must remember to stay the same browser for the push service: without it, every start of the agent
// would make a new subscription there. The zero value is nobody yet. Equal states are equal with ==. All of it is secret.
type State struct {
	service  string // URL of the push service that knows the rest
	key      string // of the sender that the subscription is for
	uaid     string // the push service's name for the browser
	channel  string // our name for the subscription
	endpoint string
	keys     *Keys
}

// ErrDamaged says that a file holds what a crash can leave of a state, and nothing else that could be of use.
var ErrDamaged = errors.New("is the damaged state of a receiver")

type storedState struct {
	Service  string `json:"service"`
	Key      string `json:"key"`
	UAID     string `json:"uaid"`
	Channel  string `json:"channel"`
	Endpoint string `json:"endpoint"`
	Keys     *Keys  `json:"keys"`
}

// IsZero reports whether there is no subscription.
func (s State) IsZero() bool { return s == State{} }

// ReadState returns what Write wrote into the file; the zero value when there is no file. A file that everybody can read
// is refused. The error is a FieldError of field, around ErrDamaged for what is left of a state after a crash, and holds
// nothing of the content.
func ReadState(field, file string) (State, error) {
	data, _, err := push.ReadPrivate(field, file)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, err
	}
	var stored storedState
	if json.Unmarshal(data, &stored) != nil || stored.Keys == nil || stored.UAID == "" || stored.Channel == "" {
		if isRemains(data) {
			return State{}, probe.Fieldf(field, "%s %w", file, ErrDamaged)
		}
		return State{}, probe.Fieldf(field, "%s is not the state of a receiver; remove it, and a new subscription is made", file)
	}
	if _, err := parseEndpoint(stored.Endpoint); err != nil {
		return State{}, probe.Fieldf(field, "%s: %w; remove it, and a new subscription is made", file, err)
	}
	return State{
		service: stored.Service, key: stored.Key, uaid: stored.UAID, channel: stored.Channel, endpoint: stored.Endpoint, keys: stored.Keys,
	}, nil
}

// isRemains reports whether a file was the state of a receiver and is not whole: file systems leave a file without
// content, zeros, or the beginning of it after a crash. What is anything else belongs to somebody, and is not overwritten.
func isRemains(data []byte) bool {
	return len(bytes.Trim(data, "\x00")) == 0 || bytes.HasPrefix(data, []byte(`{"service":`))
}

// Write puts the state into a file that only its owner can read. The file is replaced as a whole or not at all.
func (s State) Write(file string) error {
	data, err := json.Marshal(storedState{
		Service: s.service, Key: s.key, UAID: s.uaid, Channel: s.channel, Endpoint: s.endpoint, Keys: s.keys,
	})
	if err != nil {
		return fmt.Errorf("writing the state of a receiver: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".state-*") // its mode is 0600
	if err != nil {
		return fmt.Errorf("writing the state of a receiver: %w", err)
	}
	_, err = temporary.Write(data)
	if err == nil {
		err = temporary.Sync() // else a crash can leave the new name and no content
	}
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing the state of a receiver: %w", err), os.Remove(temporary.Name()))
	}
	return nil
}

// Secrets returns what a result must be kept free of: names, endpoint and keys.
func (s State) Secrets() []string {
	if s.IsZero() {
		return nil
	}
	secrets := []string{s.uaid, s.channel, b64().EncodeToString(s.keys.private.Bytes())}
	if sub, err := s.keys.Subscription(s.endpoint); err == nil {
		secrets = append(secrets, sub.Secrets()...)
	}
	return secrets
}

// String hides everything.
func (State) String() string { return redacted }

// GoString hides everything.
func (State) GoString() string { return redacted }
