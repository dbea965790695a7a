//go:build !nohistory

package history

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/prometheus/promql"
)

// kind is a kind of errors of the API, as Prometheus names them.
type kind string

const (
	kindBadData     kind = "bad_data"
	kindExecution   kind = "execution"
	kindCanceled    kind = "canceled"
	kindTimeout     kind = "timeout"
	kindInternal    kind = "internal"
	kindUnavailable kind = "unavailable"
)

// statusClientClosed is the status of an answer for which nobody waits any more, as nginx and Prometheus have it.
const statusClientClosed = 499

func (k kind) status() int {
	switch k {
	case kindBadData:
		return http.StatusBadRequest
	case kindExecution:
		return http.StatusUnprocessableEntity
	case kindCanceled:
		return statusClientClosed
	case kindTimeout, kindUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// apiError is an error whose kind is known where it arises.
type apiError struct {
	kind kind
	err  error
}

func (e *apiError) Error() string { return e.err.Error() }
func (e *apiError) Unwrap() error { return e.err }

func badData(err error) error     { return &apiError{kindBadData, err} }
func unavailable(err error) error { return &apiError{kindUnavailable, err} }

// invalid returns an error of a parameter, or nil when there is none.
func invalid(parameter string, err error) error {
	if err == nil {
		return nil
	}
	return badData(fmt.Errorf("invalid parameter %q: %w", parameter, err))
}

// kindOf says what kind of error it is.
func kindOf(err error) kind {
	if known, ok := errors.AsType[*apiError](err); ok {
		return known.kind
	}
	_, canceled := errors.AsType[promql.ErrQueryCanceled](err)
	_, timeout := errors.AsType[promql.ErrQueryTimeout](err)
	switch {
	case errors.Is(err, ErrNotReady):
		return kindUnavailable
	case canceled, errors.Is(err, context.Canceled):
		return kindCanceled
	case timeout, errors.Is(err, context.DeadlineExceeded):
		return kindTimeout
	}
	return kindExecution
}
