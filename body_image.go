package nexmo

// Image is the body of image.
type Image struct {
	Representations Representations `json:"representations,omitzero"` // the sizes in which it is stored

	// One client put the renditions into the body itself. Read
	// Representations: it is filled from these when only they were sent.
	ID        string     `json:"id,omitzero"`
	Original  *Rendition `json:"original,omitzero"`  // see Representations
	Medium    *Rendition `json:"medium,omitzero"`    // see Representations
	Thumbnail *Rendition `json:"thumbnail,omitzero"` // see Representations
}

func (b *Image) normalize() {
	if b.Representations == (Representations{}) {
		b.Representations = Representations{b.ID, b.Original, b.Medium, b.Thumbnail}
	}
}

// Representations are the sizes in which an image is stored. The JavaScript
// client leaves an empty text in their place when an image was deleted; it is
// read as none.
type Representations struct {
	ID        string     `json:"id,omitzero"`        // of the image
	Original  *Rendition `json:"original,omitzero"`  // as uploaded, or nil
	Medium    *Rendition `json:"medium,omitzero"`    // nil if there is none
	Thumbnail *Rendition `json:"thumbnail,omitzero"` // nil if there is none
}

// UnmarshalJSON reads an object, or the empty text.
func (r *Representations) UnmarshalJSON(data []byte) error { return decodeJSON(data, r) }

func (r *Representations) decode(s *scanner) {
	start := s.Offset()
	if s.Peek() == '"' {
		if text, _ := s.Text(); text != "" {
			s.Fail(start, "object")
		}
		return
	}
	r.decodeObject(s)
}

// Rendition is an image in one size.
type Rendition struct {
	ID   string `json:"id,omitzero"`   // of this size
	URL  string `json:"url,omitzero"`  // needs a token of the application
	Type string `json:"type,omitzero"` // ORIGINAL, MEDIUM or THUMBNAIL
	Size int64  `json:"size,omitzero"` // bytes
}

// ImageDelivered is the body of image:delivered.
type ImageDelivered struct{ Receipt }

// ImageSeen is the body of image:seen.
type ImageSeen struct{ Receipt }
