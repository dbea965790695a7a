package push_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/push"
)

func TestContained(t *testing.T) {
	t.Parallel()
	end := errors.New("the end")
	if err := push.Contained(func() error { return end }); !errors.Is(err, end) || push.Panicked(err) {
		t.Errorf("got %v, want %v", err, end)
	}
	if err := push.Contained(func() error { return nil }); err != nil {
		t.Errorf("got %v, want nothing", err)
	}
	var none []error
	tests := map[string]func() error{
		"what nobody expects": func() error { panic("what nobody expects") },
		"index out of range":  func() error { return none[len(none)] },
	}
	for said, read := range tests {
		err := push.Contained(read)
		if !push.Panicked(err) || !strings.Contains(err.Error(), said) || !strings.Contains(err.Error(), "push_test.TestContained") {
			t.Errorf("got %v, want %q and the function that panicked", err, said)
		}
	}
	if err := push.Contained(func() error { panic(strings.Repeat("x", 1<<20)) }); len(err.Error()) > 400 {
		t.Errorf("the error has %d bytes, want few", len(err.Error()))
	}
}
