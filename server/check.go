package server

import "fmt"

// CheckTrustedProxies reports every fault of Config.TrustedProxies.
func CheckTrustedProxies(networks []string) error {
	_, err := proxyNetworks(networks)
	return err
}

// about puts the name of a field in front of its faults.
func about(field string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", field, err)
}
