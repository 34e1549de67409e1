package server

import (
	"bytes"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/nestpayments/nestpayments/gen"
)

// trim removes what would cost the validator work without changing its verdict: the
// contents of objects and arrays where the schema allows neither, and items more than one
// beyond maxItems. It also removes unknown properties and returns the first maxViolations
// of them. All request objects must be closed (additionalProperties: false); a test of
// the spec checks this.
func trim(body []byte, schema *openapi3.Schema) ([]byte, []gen.ProblemError, error) {
	var kept bytes.Buffer
	t := trimmer{from: jsontext.NewDecoder(bytes.NewReader(body)), to: jsontext.NewEncoder(&kept)}
	if err := t.value(schema, nil); err != nil {
		return nil, nil, err
	}
	if !t.changed {
		return body, nil, nil
	}
	return kept.Bytes(), t.found, nil
}

type trimmer struct {
	from    *jsontext.Decoder
	to      *jsontext.Encoder
	changed bool
	found   []gen.ProblemError
}

// value copies the next value. at is its path.
func (t *trimmer) value(schema *openapi3.Schema, at []string) error {
	switch kind := t.from.PeekKind(); {
	case kind == '{' && schema.Type.Is("object"):
		return t.inside('}', func() error { return t.property(schema, at) })
	case kind == '[' && schema.Type.Is("array"):
		items := uint64(0)
		return t.inside(']', func() error {
			if items++; schema.MaxItems != nil && items > *schema.MaxItems+1 {
				return t.skip()
			}
			return t.value(schema.Items.Value, at)
		})
	case kind == '{':
		return t.replace("{}")
	case kind == '[':
		return t.replace("[]")
	}
	value, err := t.from.ReadValue()
	if err != nil {
		return err
	}
	return t.to.WriteValue(value)
}

// inside copies an object or array. next copies one member.
func (t *trimmer) inside(end jsontext.Kind, next func() error) error {
	if err := t.token(); err != nil {
		return err
	}
	for t.from.PeekKind() != end {
		if err := next(); err != nil {
			return err
		}
	}
	return t.token()
}

// property copies the next property if the schema has it.
func (t *trimmer) property(schema *openapi3.Schema, at []string) error {
	name, err := t.from.ReadToken()
	if err != nil {
		return err
	}
	key := name.String()
	at = append(at[:len(at):len(at)], key)
	known := schema.Properties[key]
	if known == nil {
		if len(t.found) < maxViolations {
			t.found = append(t.found, inBody(at, "is not a known property"))
		}
		return t.skip()
	}
	if err := t.to.WriteToken(jsontext.String(key)); err != nil {
		return err
	}
	return t.value(known.Value, at)
}

// skip removes the next value.
func (t *trimmer) skip() error {
	t.changed = true
	return t.from.SkipValue()
}

// replace skips the next value and writes another.
func (t *trimmer) replace(value string) error {
	if err := t.skip(); err != nil {
		return err
	}
	return t.to.WriteValue(jsontext.Value(value))
}

// token copies one token.
func (t *trimmer) token() error {
	token, err := t.from.ReadToken()
	if err != nil {
		return err
	}
	return t.to.WriteToken(token)
}
