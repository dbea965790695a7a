package assert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/channelwatch/channelwatch/internal/probe"
)

const (
	maxSchema      = 1 << 20      // bytes of a file
	maxViolations  = 3            // that a finding shows
	maxSteps       = 500_000      // of a validation: two for each value of the largest document, and some more
	stepsUntilLook = 1000         // at the clock
	schemaBase     = "schema:///" // what references are relative to
	schemaName     = schemaBase + "this"
)

// sealed refuses to load what a schema refers to outside of itself: nobody but the operator says what is read, and the
// network is for probes.
type sealed struct{}

var errOutside = errors.New("is outside of the schema")

// Load refuses.
func (sealed) Load(string) (any, error) { return nil, errOutside }

func compileSchemaFile(field, path string) (test, error) {
	document, err := readSchema(path)
	if err != nil {
		return nil, probe.Fieldf(field, "%w", err)
	}
	return schemaTest(field, document)
}

func readSchema(path string) (any, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it is only read
	data, err := io.ReadAll(io.LimitReader(file, maxSchema+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", path, err)
	case len(data) > maxSchema:
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxSchema)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s is not JSON: %w", path, err)
	}
	return document, nil
}

func compileSchema(field string, schema any) (test, error) {
	document, err := normalize(schema)
	if err != nil {
		return nil, probe.Fieldf(field, "%w", err)
	}
	return schemaTest(field, document)
}

// schemaTest returns a test that the body satisfies a schema.
func schemaTest(field string, document any) (test, error) {
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(sealed{})
	if err := compiler.AddResource(schemaName, document); err != nil {
		return nil, probe.Fieldf(field, "%w", err)
	}
	schema, err := compiler.Compile(schemaName)
	if err != nil {
		return nil, probe.Fieldf(field, "%s", invalid(err))
	}
	rule := &schemaRule{schema: schema}
	rule.count(reflect.ValueOf(schema), make(map[*jsonschema.Schema]bool))
	return rule.test, nil
}

// invalid says in one line why a schema cannot be compiled.
func invalid(err error) string {
	if load, ok := errors.AsType[*jsonschema.LoadURLError](err); ok && errors.Is(load.Err, errOutside) {
		return fmt.Sprintf("refers to %q, want references within the schema only", strings.TrimPrefix(load.URL, schemaBase))
	}
	if schema, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		if broken, ok := errors.AsType[*jsonschema.ValidationError](schema.Err); ok {
			return "is not a valid schema: " + violations(broken)
		}
	}
	return strings.ReplaceAll(line(err.Error()), schemaName, "")
}

// schemaRule is a compiled schema. Schemas that refer to themselves in several branches can take time that doubles with
// every level of a document, and servers choose how many there are: the steps of a validation are counted.
type schemaRule struct {
	schema *jsonschema.Schema

	mu   sync.Mutex      // held by a validation
	ctx  context.Context // of the validation
	left int             // steps that it may still take
}

var errStopped = fmt.Errorf("the schema takes more than %d steps or %v on this document", maxSteps, evaluation)

// count makes every part of a schema take a step, as a format, which is looked at before all parts within a part.
func (r *schemaRule) count(v reflect.Value, seen map[*jsonschema.Schema]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if schema, ok := reflect.TypeAssert[*jsonschema.Schema](v); ok {
			if schema == nil || seen[schema] {
				return
			}
			seen[schema] = true
			schema.Format = r.step(schema.Format)
		}
		r.count(v.Elem(), seen)
	case reflect.Interface:
		r.count(v.Elem(), seen)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				r.count(v.Field(i), seen)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			r.count(v.Index(i), seen)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			r.count(v.MapIndex(key), seen)
		}
	}
}

// step returns a format, which may be nil, that takes a step too.
func (r *schemaRule) step(format *jsonschema.Format) *jsonschema.Format {
	stepping := &jsonschema.Format{Validate: func(any) error { return nil }}
	if format != nil {
		*stepping = *format
	}
	validate := stepping.Validate
	stepping.Validate = func(value any) error {
		if r.left%stepsUntilLook == 0 && r.ctx.Err() != nil {
			r.left = 0
		}
		if r.left--; r.left < 0 {
			return errStopped
		}
		return validate(value)
	}
	return stepping
}

func (r *schemaRule) test(s *subject) (string, error) {
	document, err := s.document()
	if err != nil {
		return err.Error(), nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ctx, r.left = s.ctx, maxSteps
	err = r.schema.Validate(document)
	r.ctx = nil
	if r.left < 0 {
		return "", errStopped
	}
	if broken, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		return violations(broken), nil
	}
	return "", err
}

// violations names the first places in the body that do not satisfy a schema.
func violations(broken *jsonschema.ValidationError) string {
	printer := message.NewPrinter(language.English)
	var all []string
	var collect func(*jsonschema.ValidationError)
	collect = func(v *jsonschema.ValidationError) {
		if extra, ok := v.ErrorKind.(*kind.AdditionalProperties); ok {
			slices.Sort(extra.Properties)
		}
		if len(v.Causes) == 0 {
			place := strings.Join(append([]string{"$"}, v.InstanceLocation...), "/")
			all = append(all, line(place+": "+v.ErrorKind.LocalizedString(printer)))
		}
		for _, cause := range v.Causes {
			collect(cause)
		}
	}
	collect(broken)
	slices.Sort(all) // objects are walked through in any order
	all = slices.Compact(all)
	text := strings.Join(all[:min(len(all), maxViolations)], "; ")
	if more := len(all) - maxViolations; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}
