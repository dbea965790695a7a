package config_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/channelwatch/channelwatch/internal/config"
)

func TestErrors(t *testing.T) {
	_, err := config.Parse("shop.yaml", []byte("agent:\n  listn: x\n  per_host: 0\n"), testKinds())
	err = fmt.Errorf("reloading: %w", err)
	all, ok := errors.AsType[config.Errors](err)
	if !ok {
		t.Fatalf("got %T, want config.Errors in it", err)
	}
	equal(t, "mistakes", all, config.Errors{
		{File: "shop.yaml", Line: 2, Column: 3, Path: "agent", Text: `unknown key "listn"`, Hint: `did you mean "listen"?`},
		{File: "shop.yaml", Line: 3, Column: 13, Path: "agent.per_host", Text: "got 0, want 1 to 10000"},
	})
	equal(t, "text", all.Error(), "shop.yaml:2:3: agent: unknown key \"listn\" (did you mean \"listen\"?)\n"+
		"shop.yaml:3:13: agent.per_host: got 0, want 1 to 10000")
	one, ok := errors.AsType[*config.Error](err)
	if !ok || one.Line != 2 {
		t.Errorf("got %v, want the first mistake", one)
	}
}

func TestErrors_Files(t *testing.T) {
	t.Chdir("testdata")
	_, err := config.Load("invalid-include-broken.yaml", testKinds())
	all, _ := errors.AsType[config.Errors](err)
	equal(t, "files", all.Files(), []string{"broken/a.yaml", "broken/b.yaml", "broken/c.yaml"})
}
