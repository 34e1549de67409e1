package mongo

// CheckURI reports what Open would refuse of a connection string, without connecting. It
// looks the hosts of a mongodb+srv URI up. No error repeats the URI.
func CheckURI(uri string) error {
	_, _, err := parseURI(uri)
	return err
}
