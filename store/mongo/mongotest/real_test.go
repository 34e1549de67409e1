package mongotest

import "testing"

func TestAFreshDatabaseKeepsTheRestOfTheURI(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ uri, want string }{
		{"mongodb://host", "mongodb://host/fresh"},
		{"mongodb://host:1/old", "mongodb://host:1/fresh"},
		{"mongodb://host/?tls=true", "mongodb://host/fresh?tls=true"},
		{"mongodb://a:1,b:2/old?replicaSet=rs", "mongodb://a:1,b:2/fresh?replicaSet=rs"},
		{"mongodb://ada:s%2Fcret@host/old", "mongodb://ada:s%2Fcret@host/fresh?authSource=old"},
		{"mongodb://ada:secret@host", "mongodb://ada:secret@host/fresh?authSource=admin"},
		{"mongodb://ada:secret@host/old?authSource=users", "mongodb://ada:secret@host/fresh?authSource=users"},
	} {
		if got, err := withDatabase(tt.uri, "fresh"); err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.uri, got, err, tt.want)
		}
	}
	if got, err := withDatabase("mongodb://ada:secret/x@host", "fresh"); err != errURI {
		t.Errorf("a malformed URI: got %s, %v, want %v", got, err, errURI)
	}
}
