// Package ext stands in for a module that the released sources of traefik name and do not hold: the
// settings of extensions, of which a gateway of a test cluster has none.
package ext

// HTTP holds no settings.
type HTTP struct{}

// Router holds no settings.
type Router struct{}

// DeepCopyInto copies nothing.
func (in *HTTP) DeepCopyInto(out *HTTP) { *out = *in }

// DeepCopyInto copies nothing.
func (in *Router) DeepCopyInto(out *Router) { *out = *in }
