package pageload

import (
	"context"
	_ "embed" // for the scripts
	"encoding/json"
	"errors"
	"fmt"

	"github.com/channelwatch/channelwatch/internal/cdp"
)

// world is the name of the JavaScript world that the scripts live in: it sees the page's document and nothing of the page's
// scripts, which in turn see nothing of it.
const world = "channelwatch"

//go:embed vitals.js
var vitalsScript string

//go:embed hands.js
var handsScript string

// ErrSelector says that a CSS selector is none.
var ErrSelector = errors.New("no CSS selector")

// errMoved says that the document went away while it was being asked.
var errMoved = errors.New("the page moved on meanwhile")

// ask calls a function in the world of the current document. A document that goes away meanwhile is asked no more; its
// successor is.
func (p *Page) ask(ctx context.Context, function string, result any, args ...any) error {
	for {
		err := p.askOnce(ctx, function, result, args...)
		if !errors.Is(err, errMoved) {
			return err
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

func (p *Page) askOnce(ctx context.Context, function string, result any, args ...any) error {
	var made struct {
		Context int64 `json:"executionContextId"`
	}
	if err := p.call(ctx, "Page.createIsolatedWorld", map[string]any{"frameId": p.journal.main, "worldName": world}, &made); err != nil {
		return moved(err)
	}
	wrapped := make([]map[string]any, len(args))
	for i, arg := range args {
		wrapped[i] = map[string]any{"value": arg}
	}
	var answer struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Exception wireValue `json:"exception"`
		} `json:"exceptionDetails"`
	}
	err := p.call(ctx, "Runtime.callFunctionOn", map[string]any{
		"functionDeclaration": function, "executionContextId": made.Context, "arguments": wrapped,
		"returnByValue": true, "awaitPromise": true,
	}, &answer)
	switch {
	case err != nil:
		return moved(err)
	case answer.Exception != nil && answer.Exception.Exception.Class == "DOMException":
		return ErrSelector // nothing else that is asked of a page throws one
	case answer.Exception != nil:
		return fmt.Errorf("asking the page: %s", shownText(answer.Exception.Exception.String()))
	}
	return json.Unmarshal(answer.Result.Value, result)
}

// moved tells the browser's refusals to ask a document that has gone from other errors.
func moved(err error) error {
	if _, refused := errors.AsType[*cdp.Error](err); refused {
		return fmt.Errorf("%w: %w", errMoved, err)
	}
	return err
}
