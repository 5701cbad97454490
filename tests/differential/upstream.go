package main

import (
	"context"
	"io"
	"reflect"
	"time"
	"unsafe"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/rollout"
	"github.com/argoproj/argo-rollouts/rollout/trafficrouting"
	"github.com/argoproj/argo-rollouts/utils/record"
	log "github.com/sirupsen/logrus"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
)

// What upstream does not export is called by its linker name; nothing of it is copied.

//go:linkname approximate github.com/argoproj/argo-rollouts/utils/replicaset.approximateWeightedCanaryStableReplicaCounts
func approximate(replicas, weight, maxWeight, surge int32) (int32, int32)

//go:linkname checkReplicasAvailable github.com/argoproj/argo-rollouts/rollout.(*rolloutContext).checkReplicasAvailable
func checkReplicasAvailable(c unsafe.Pointer, set *appsv1.ReplicaSet, weight int32) bool

//go:linkname reconcileTrafficRouting github.com/argoproj/argo-rollouts/rollout.(*rolloutContext).reconcileTrafficRouting
func reconcileTrafficRouting(c unsafe.Pointer) error

//go:linkname completedCurrentCanaryStep github.com/argoproj/argo-rollouts/rollout.(*rolloutContext).completedCurrentCanaryStep
func completedCurrentCanaryStep(c unsafe.Pointer) bool

//go:linkname resetRolloutStatus github.com/argoproj/argo-rollouts/rollout.(*rolloutContext).resetRolloutStatus
func resetRolloutStatus(c unsafe.Pointer, status *v1alpha1.RolloutStatus)

//go:linkname reconcileOtherReplicaSets github.com/argoproj/argo-rollouts/rollout.(*rolloutContext).reconcileOtherReplicaSets
func reconcileOtherReplicaSets(c unsafe.Pointer) (bool, error)

// controller is upstream's view of one rollout in one round, over a router that only writes down.
type controller struct {
	value   reflect.Value
	pause   reflect.Value
	router  *router
	cluster *cluster
}

func newController() *controller {
	kind := reflect.TypeFor[rollout.Controller]()
	method, _ := reflect.PointerTo(kind).MethodByName("NewTrafficRoutingReconciler")
	c := &controller{value: reflect.New(method.Type.In(1).Elem()).Elem(), router: &router{}, cluster: &cluster{}}
	quiet := log.New()
	quiet.SetOutput(io.Discard)
	quiet.SetLevel(log.PanicLevel)
	entry := log.NewEntry(quiet)
	c.set("log", entry)
	c.set("recorder", record.EventRecorder(events{}))
	c.set("kubeclientset", kubernetes.Interface(c.cluster))
	c.set("enqueueRolloutAfter", func(any, time.Duration) {})
	routers := c.field("newTrafficRoutingReconciler")
	routers.Set(reflect.MakeFunc(routers.Type(), func([]reflect.Value) []reflect.Value {
		list := []trafficrouting.TrafficRoutingReconciler{c.router}
		return []reflect.Value{reflect.ValueOf(list), reflect.Zero(routers.Type().Out(1))}
	}))
	pause := c.field("pauseContext")
	pause.Set(reflect.New(pause.Type().Elem()))
	c.pause = pause.Elem()
	reach(c.pause, "log").Set(reflect.ValueOf(entry))
	return c
}

// take gives the controller another rollout.
func (c *controller) take(question *canaryQuestion) {
	*c.router = router{}
	c.cluster.pods = map[string]int32{}
	c.set("rollout", question.rollout)
	reach(c.pause, "rollout").Set(reflect.ValueOf(question.rollout))
	reach(c.pause, "removeAbort").SetBool(false)
	c.set("newRS", question.canary)
	c.set("stableRS", question.stable)
	c.set("otherRSs", question.older)
	c.set("allRSs", question.all())
	c.set("newStatus", *question.rollout.Status.DeepCopy())
	for _, name := range []string{"currentArs", "currentEx", "otherArs", "otherExs"} {
		c.field(name).SetZero()
	}
}

func (c *controller) pointer() unsafe.Pointer { return c.value.Addr().UnsafePointer() }

func (c *controller) field(name string) reflect.Value { return reach(c.value, name) }

func (c *controller) set(name string, value any) { c.field(name).Set(reflect.ValueOf(value)) }

// reach gives a field that upstream does not export.
func reach(value reflect.Value, name string) reflect.Value {
	field := value.FieldByName(name)
	return reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem()
}

// router writes down what upstream wants of a traffic router.
type router struct {
	weight  *int32
	cleared bool
}

func (r *router) UpdateHash(string, string, ...v1alpha1.WeightDestination) error { return nil }

func (r *router) SetWeight(weight int32, _ ...v1alpha1.WeightDestination) error {
	r.weight = &weight
	return nil
}

func (r *router) SetHeaderRoute(*v1alpha1.SetHeaderRoute) error { return nil }

func (r *router) SetMirrorRoute(*v1alpha1.SetMirrorRoute) error { return nil }

func (r *router) VerifyWeight(int32, ...v1alpha1.WeightDestination) (*bool, error) { return nil, nil }

func (r *router) RemoveManagedRoutes() error {
	r.cleared = true
	return nil
}

func (r *router) Type() string { return "written down" }

// cluster writes down how many pods upstream wants.
type cluster struct {
	kubernetes.Interface
	pods map[string]int32
}

func (c *cluster) AppsV1() appsclient.AppsV1Interface { return apps{cluster: c} }

type apps struct {
	appsclient.AppsV1Interface
	cluster *cluster
}

func (a apps) ReplicaSets(string) appsclient.ReplicaSetInterface {
	return replicaSets{cluster: a.cluster}
}

type replicaSets struct {
	appsclient.ReplicaSetInterface
	cluster *cluster
}

func (r replicaSets) Update(_ context.Context, set *appsv1.ReplicaSet, _ metav1.UpdateOptions) (*appsv1.ReplicaSet, error) {
	r.cluster.pods[set.Name] = *set.Spec.Replicas
	return set.DeepCopy(), nil
}

func (r replicaSets) Patch(_ context.Context, _ string, _ types.PatchType, _ []byte, _ metav1.PatchOptions, _ ...string) (*appsv1.ReplicaSet, error) {
	return &appsv1.ReplicaSet{}, nil
}

// events drops what upstream tells the cluster.
type events struct{ record.EventRecorder }

func (events) Eventf(runtime.Object, record.EventOptions, string, ...any) {}

func (events) Warnf(runtime.Object, record.EventOptions, string, ...any) {}
