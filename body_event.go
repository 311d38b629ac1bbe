package nexmo

// EventDelete is the body of event:delete. The event that was deleted stays in
// the log under its ID, without its content; see [Event.Deleted].
type EventDelete struct{ Receipt }
