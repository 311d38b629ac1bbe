package nexmo

import (
	"fmt"
	"slices"
)

// Region is where the service runs: one of three regions, or one of their data
// centres. A user, and what belongs to the user, lives in one region; the hosts of
// other regions answer [ErrNotFound] for it. The zero value names no region.
type Region string

// The regions. Each has a host for requests and one for sessions.
const (
	RegionUS Region = "us" // United States: api-us.vonage.com, ws-us.vonage.com
	RegionEU Region = "eu" // Europe: api-eu.vonage.com, ws-eu.vonage.com
	RegionAP Region = "ap" // Asia and the Pacific: api-ap.vonage.com, ws-ap.vonage.com
)

// The data centres. Each has a host for requests and one for sessions.
const (
	RegionVirginia  Region = "us-3" // United States, east: api-us-3.vonage.com, ws-us-3.vonage.com
	RegionOregon    Region = "us-4" // United States, west: api-us-4.vonage.com, ws-us-4.vonage.com
	RegionDublin    Region = "eu-3" // Europe: api-eu-3.vonage.com, ws-eu-3.vonage.com
	RegionFrankfurt Region = "eu-4" // Europe: api-eu-4.vonage.com, ws-eu-4.vonage.com
	RegionSingapore Region = "ap-3" // Asia: api-ap-3.vonage.com, ws-ap-3.vonage.com
	RegionSydney    Region = "ap-4" // Australia: api-ap-4.vonage.com, ws-ap-4.vonage.com
)

// Where a client and a session connect to without a region and without a URL.
const (
	defaultBaseURL      = "https://api.nexmo.com"
	defaultWebsocketURL = "wss://ws-us.vonage.com"
)

// WithRegion connects to the hosts of a region. [WithBaseURL] and [WithWebsocketURL]
// override the host that they name and leave the other one to the region. An unknown
// Region is an error of [NewClient] and [Dial]; the zero Region changes nothing.
//
// Without a region, requests go to https://api.nexmo.com, and [Dial] connects to
// [RegionUS].
func WithRegion(r Region) ConnectionOption {
	return connectionOption(func(c *clientConfig) { c.region = r })
}

// baseURL returns where the requests of a region go.
func (r Region) baseURL() string { return "https://api-" + string(r) + ".vonage.com" }

// websocketURL returns where the sessions of a region are.
func (r Region) websocketURL() string { return "wss://ws-" + string(r) + ".vonage.com" }

var regions = []Region{
	RegionUS, RegionEU, RegionAP, RegionVirginia, RegionOregon, RegionDublin, RegionFrankfurt, RegionSingapore, RegionSydney,
}

// check returns an error unless r is a region or zero.
func (r Region) check(op string) error {
	if r == "" || slices.Contains(regions, r) {
		return nil
	}
	return fmt.Errorf("nexmo: %s: unknown region %q: want one such as RegionEU, or WithBaseURL for another server", op, string(r))
}

// regionOf returns the region that one of the URLs is a host of, or "".
func regionOf(base, websocket string) Region {
	if base == defaultBaseURL {
		return RegionUS
	}
	for _, r := range regions {
		if base == r.baseURL() || websocket == r.websocketURL() {
			return r
		}
	}
	return ""
}
