package probe

import "fmt"

// FieldError is a mistake in one field of a kind's configuration. The loader adds file, line and path.
type FieldError struct {
	Field string // path below "with", such as "expect.status" or "assert[2].jsonpath"
	Err   error  // what is wrong, what was wanted
}

// Error names the field and what is wrong with it.
func (e *FieldError) Error() string { return fmt.Sprintf("%s: %v", e.Field, e.Err) }

// Unwrap returns what is wrong.
func (e *FieldError) Unwrap() error { return e.Err }

// Fieldf returns a FieldError.
func Fieldf(field, format string, args ...any) error {
	return &FieldError{Field: field, Err: fmt.Errorf(format, args...)}
}
