package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// What the validator gets of a body does not grow with what a caller makes up.
func TestTrim(t *testing.T) {
	t.Parallel()
	text, most := openapi3.NewStringSchema(), uint64(2)
	item := openapi3.NewObjectSchema().WithProperty("id", text)
	list := openapi3.NewArraySchema().WithItems(item)
	list.MaxItems = &most
	schema := openapi3.NewObjectSchema().WithProperty("name", text).WithProperty("items", list)
	var many strings.Builder
	for i := range 6500 {
		fmt.Fprintf(&many, `"k%d":1,`, i)
	}
	for name, tc := range map[string]struct {
		body, kept string
		found      int
	}{
		"nothing to trim":              {` {"name":"a", "items":[{"id":"1"}]} `, ` {"name":"a", "items":[{"id":"1"}]} `, 0},
		"a scalar of another type":     {`{"name":1}`, `{"name":1}`, 0},
		"6,500 unknown properties":     {"{" + many.String() + `"name":"a"}`, `{"name":"a"}`, maxViolations},
		"unknown properties of items":  {`{"items":[{"id":"1","x":[{}],"y":{}}]}`, `{"items":[{"id":"1"}]}`, 2},
		"an object in place of a text": {`{"name":` + strings.Repeat(`{"a":`, 900) + "1" + strings.Repeat("}", 900) + "}", `{"name":{}}`, 0},
		"an array in place of a text":  {`{"name":[` + strings.Repeat("1,", 900) + "1]}", `{"name":[]}`, 0},
		"an object in place of a list": {`{"items":{"id":"1"}}`, `{"items":{}}`, 0},
		"too many items":               {`{"items":[{},{},{}` + strings.Repeat(",{}", 900) + "]}", `{"items":[{},{},{}]}`, 0},
		"a list in place of an object": {`[{"name":"a"}]`, `[]`, 0},
		"null":                         {`null`, `null`, 0},
	} {
		kept, found, err := trim([]byte(tc.body), schema)
		if err != nil || strings.TrimSpace(string(kept)) != strings.TrimSpace(tc.kept) || len(found) != tc.found {
			t.Errorf("%s: got %s, %d findings and %v, want %s and %d", name, kept, len(found), err, tc.kept, tc.found)
		}
	}
}
