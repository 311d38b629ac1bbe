package nexmo

// VideoMuteOn is the body of video:mute:on.
type VideoMuteOn struct{ LegTarget }

// VideoMuteOff is the body of video:mute:off.
type VideoMuteOff struct{ LegTarget }
