// Package benchdata holds what benchmarks read: rings of events that are all
// different, so that neither branches nor caches learn one of them by heart.
package benchdata

import (
	"bytes"
	"fmt"
	"time"
)

// Size is how many events are in a ring.
const Size = 64

// Joined are webhooks of member:joined, about a kilobyte each.
func Joined() [][]byte {
	ring := make([][]byte, Size)
	for i := range ring {
		when := time.Date(2024, 5, 16, 8, i%60, 7*i%60, i*15_437_911, time.UTC)
		at := func(d time.Duration) string { return when.Add(d).Format("2006-01-02T15:04:05.000Z") }
		member := fmt.Sprintf("MEM-%08x-fe7d-42ac-b0c0-9015a44a%04x", uint32(i)*0x9e3779b1, i)
		user := fmt.Sprintf("USR-%08x-2029-4506-9331-e21ca70a%04x", uint32(i)*0x85ebca6b, i)
		leg := fmt.Sprintf("%08xf07e43199ebe10121ba0%04x", uint32(i)*0xc2b2ae35, i)
		name := fmt.Sprintf("user-%d", i*i)
		ring[i] = fmt.Appendf(nil, `{"application_id":"e8059728-5fa0-4cbe-83b4-9919be9cf1de","type":"member:joined",`+
			`"conversation_id":"CON-fd9c6936-e9b2-4483-ad41-%012x","id":%d,"from":%q,"body":{"member_id":%q,`+
			`"user":{"id":%q,"name":%q},"channel":{"id":%q,"type":"phone",`+
			`"from":{"type":"phone","number":"447700900%03d"},"to":{"type":"phone","number":"15555550123"},`+
			`"legs":[{"leg_id":%q,"status":"answered"}],"headers":{}},`+
			`"timestamp":{"invited":%q,"joined":%q},"initiator":{"joined":{"isSystem":%v,"user_id":%q,"member_id":%q}},`+
			`"media":{"audio_settings":{"enabled":%v,"earmuffed":false,"muted":false},"audio":%v}},"timestamp":%q,`+
			`"_embedded":{"from_user":{"id":%q,"name":%q},"from_member":{"id":%q}}}`,
			i, i+1, member, member, user, name, leg, i, leg, at(-9*time.Second), at(-5*time.Millisecond),
			i%2 == 0, user, member, i%3 == 0, i%3 == 0, at(0), user, name, member)
	}
	return ring
}

// Text are webhooks of text, about 600 bytes each.
func Text() [][]byte {
	ring := make([][]byte, Size)
	for i := range ring {
		when := time.Date(2024, 5, 17, 13, i%60, 11*i%60, i*15_437_911, time.UTC).Format("2006-01-02T15:04:05.000Z")
		member := fmt.Sprintf("MEM-%08x-2c7b-4f84-babb-fc1eaa17%04x", uint32(i)*0x9e3779b1, i)
		ring[i] = fmt.Appendf(nil, `{"application_id":"e8059728-5fa0-4cbe-83b4-9919be9cf1de","type":"text","timestamp":%q,`+
			`"conversation_id":"CON-881333d2-b513-4c3b-ae99-%012x","id":%d,"from":%q,`+
			`"body":{"text":"Hello number %d! Is the tandem from order %d ready, or shall I come by another day this week?"},`+
			`"_embedded":{"from_user":{"id":"USR-%08x-2029-4506-9331-e21ca70a%04x","name":"user-%d","display_name":"User %d",`+
			`"image_url":"https://example.com/pictures/%d.png","custom_data":{}},"from_member":{"id":%q}}}`,
			when, i, i+1, member, i*i, 441+i, uint32(i)*0x85ebca6b, i, i*i, i, i, member)
	}
	return ring
}

// Page is a page of a hundred events as the service lists them: fifty of a
// kilobyte, fifty of about half of that.
func Page() []byte {
	var page bytes.Buffer
	page.WriteString(`{"page_size":100,"_embedded":{"events":[`)
	joined, text := Joined(), Text()
	for i := range 50 {
		if i > 0 {
			page.WriteByte(',')
		}
		page.Write(joined[i])
		page.WriteByte(',')
		page.Write(text[i])
	}
	page.WriteString(`]},"_links":{"first":{"href":"https://api-us-3.vonage.com/v1/conversations/CON-1/events?order=asc&page_size=100"},` +
		`"self":{"href":"https://api-us-3.vonage.com/v1/conversations/CON-1/events?order=asc&page_size=100"},` +
		`"next":{"href":"https://api-us-3.vonage.com/v1/conversations/CON-1/events?order=asc&page_size=100&cursor=7EjDNQrAcipmOnc0HCzpQRkhBULzY44ljGUX4lXKyUIVfiZay5pv9wg%3D"}}}`)
	return page.Bytes()
}
