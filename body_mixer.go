package nexmo

// MixerPublisherCreated is the body of mixer:publisher:created; it is empty.
type MixerPublisherCreated struct{}

// MixerPublisherDestroyed is the body of mixer:publisher:destroyed; it is empty.
type MixerPublisherDestroyed struct{}

// MixerSubscriberCreated is the body of mixer:subscriber:created; it is empty.
type MixerSubscriberCreated struct{}

// MixerSubscriberDestroyed is the body of mixer:subscriber:destroyed; it is empty.
type MixerSubscriberDestroyed struct{}
