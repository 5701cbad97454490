// The peer of the differential test: Argo Rollouts itself answers.
//
// A line of input is {"function": NAME, "of": INPUTS}; the line of output that answers it is
// {"question": the line, "answer": VALUE}, or {"question": the line, "panic": TEXT} where upstream stops.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	analysisutil "github.com/argoproj/argo-rollouts/utils/analysis"
	"github.com/argoproj/argo-rollouts/utils/replicaset"
	timeutil "github.com/argoproj/argo-rollouts/utils/time"
	log "github.com/sirupsen/logrus"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func main() {
	log.SetLevel(log.PanicLevel)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	upstream := newController()
	for in.Scan() {
		line, err := json.Marshal(answer(upstream, in.Bytes()))
		if err != nil {
			fail(err)
		}
		out.Write(append(line, '\n'))
	}
	if err := in.Err(); err != nil {
		fail(err)
	}
	if err := out.Flush(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "differential:", err)
	os.Exit(1)
}

type answered struct {
	Question json.RawMessage `json:"question"`
	Answer   any             `json:"answer"`
	Panic    string          `json:"panic,omitempty"`
}

func answer(upstream *controller, line []byte) (result answered) {
	result.Question = line
	var question struct {
		Function string          `json:"function"`
		Of       json.RawMessage `json:"of"`
	}
	if err := json.Unmarshal(line, &question); err != nil {
		fail(fmt.Errorf("%w in %s", err, line))
	}
	defer func() {
		if reason := recover(); reason != nil {
			result.Panic = fmt.Sprint(reason)
		}
	}()
	var err error
	switch question.Function {
	case "limits":
		result.Answer, err = limits(question.Of)
	case "approximate":
		result.Answer, err = nearest(question.Of)
	case "preview":
		result.Answer, err = preview(question.Of)
	default:
		result.Answer, err = canary(upstream, question.Function, question.Of)
	}
	if err != nil {
		fail(fmt.Errorf("%w in %s", err, line))
	}
	return result
}

type counts struct {
	Canary int32 `json:"canary"`
	Stable int32 `json:"stable"`
}

type bounds struct {
	Surge       int32 `json:"surge"`
	Unavailable int32 `json:"unavailable"`
}

func limits(text json.RawMessage) (any, error) {
	var of struct {
		BlueGreen   bool                `json:"blue_green"`
		Replicas    int32               `json:"replicas"`
		Surge       *intstr.IntOrString `json:"surge"`
		Unavailable *intstr.IntOrString `json:"unavailable"`
	}
	if err := json.Unmarshal(text, &of); err != nil {
		return nil, err
	}
	ro := &v1alpha1.Rollout{}
	ro.Spec.Replicas = &of.Replicas
	if of.BlueGreen {
		ro.Spec.Strategy.BlueGreen = &v1alpha1.BlueGreenStrategy{MaxUnavailable: of.Unavailable}
	} else {
		ro.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{MaxSurge: of.Surge, MaxUnavailable: of.Unavailable}
	}
	return bounds{replicaset.MaxSurge(ro), replicaset.MaxUnavailable(ro)}, nil
}

func nearest(text json.RawMessage) (any, error) {
	var of struct {
		Replicas  int32 `json:"replicas"`
		Weight    int32 `json:"weight"`
		MaxWeight int32 `json:"max_weight"`
		Surge     int32 `json:"surge"`
	}
	err := json.Unmarshal(text, &of)
	canary, stable := approximate(of.Replicas, of.Weight, of.MaxWeight, of.Surge)
	return counts{canary, stable}, err
}

func preview(text json.RawMessage) (any, error) {
	var of struct {
		Release struct {
			Replicas        int32  `json:"replicas"`
			PreviewReplicas *int32 `json:"preview_replicas"`
		} `json:"release"`
		Preview struct {
			OtherActive bool `json:"other_active"`
			Full        bool `json:"full"`
			Recorded    bool `json:"recorded"`
			Paused      bool `json:"paused"`
			Checked     bool `json:"checked"`
		} `json:"preview"`
	}
	if err := json.Unmarshal(text, &of); err != nil {
		return nil, err
	}
	ro := &v1alpha1.Rollout{}
	ro.Spec.Replicas = &of.Release.Replicas
	ro.Spec.Strategy.BlueGreen = &v1alpha1.BlueGreenStrategy{PreviewReplicaCount: of.Release.PreviewReplicas}
	ro.Status.PromoteFull = of.Preview.Full
	ro.Status.BlueGreen.ScaleUpPreviewCheckPoint = of.Preview.Checked
	ro.Spec.Paused = of.Preview.Paused
	ro.Status.BlueGreen.ActiveSelector, ro.Status.CurrentPodHash = newHash, otherHash
	if of.Preview.OtherActive {
		ro.Status.BlueGreen.ActiveSelector = oldHash
	}
	if of.Preview.Recorded {
		ro.Status.CurrentPodHash = newHash
	}
	set, active := replicaSet(newHash, &podSet{}), replicaSet(oldHash, &podSet{})
	return replicaset.NewRSNewReplicas(ro, []*appsv1.ReplicaSet{set, active}, set, nil)
}

func canary(upstream *controller, function string, text json.RawMessage) (any, error) {
	q, err := readCanary(text)
	if err != nil {
		return nil, err
	}
	weights := q.rollout.Status.Canary.Weights
	switch function {
	case "basic":
		canary, stable := replicaset.CalculateReplicaCountsForBasicCanary(q.rollout, q.canary, q.stable, q.older)
		return counts{canary, stable}, nil
	case "routed":
		canary, stable := replicaset.CalculateReplicaCountsForTrafficRoutedCanary(q.rollout, q.canary, q.stable, weights)
		return counts{canary, stable}, nil
	case "set_weight":
		return replicaset.GetCurrentSetWeight(q.rollout), nil
	case "desired_weight":
		return replicaset.GetDesiredCanaryWeight(q.rollout, q.canary, q.stable), nil
	case "aim":
		pods, weight := replicaset.GetCanaryReplicasOrWeight(q.rollout, q.canary, q.stable)
		return map[string]any{"pods": pods, "weight": weight}, nil
	case "at_desired_counts":
		return replicaset.AtDesiredReplicaCountsForCanary(q.rollout, q.canary, q.stable, q.older, weights), nil
	case "enough_stable":
		upstream.take(q)
		return checkReplicasAvailable(upstream.pointer(), q.stable, q.Weight), nil
	case "shift":
		upstream.take(q)
		err := reconcileTrafficRouting(upstream.pointer())
		return map[string]any{"weight": upstream.router.weight, "clear_routes": upstream.router.cleared}, err
	case "completed":
		return completed(upstream, q), nil
	case "drain":
		return drain(upstream, q)
	case "after_change":
		return afterChange(upstream, q), nil
	}
	return nil, fmt.Errorf("no function %q", function)
}

func completed(upstream *controller, q *canaryQuestion) bool {
	timeutil.SetNowTimeFunc(func() time.Time { return time.UnixMilli(q.Now) })
	upstream.take(q)
	if q.Evidence.JudgedWell {
		run := &v1alpha1.AnalysisRun{}
		run.Status.Phase = v1alpha1.AnalysisPhaseSuccessful
		upstream.set("currentArs", analysisutil.CurrentAnalysisRuns{CanaryStep: run})
	}
	return completedCurrentCanaryStep(upstream.pointer())
}

func drain(upstream *controller, q *canaryQuestion) ([]int32, error) {
	upstream.take(q)
	_, err := reconcileOtherReplicaSets(upstream.pointer())
	kept := []int32{}
	for _, set := range q.older {
		pods, changed := upstream.cluster.pods[set.Name]
		if !changed {
			pods = *set.Spec.Replicas
		}
		kept = append(kept, pods)
	}
	return kept, err
}

func afterChange(upstream *controller, q *canaryQuestion) any {
	upstream.take(q)
	status := q.rollout.Status.DeepCopy()
	resetRolloutStatus(upstream.pointer(), status)
	aborted := q.rollout.Status.Abort && !reach(upstream.pause, "removeAbort").Bool()
	return map[string]any{"full": status.PromoteFull, "aborted": aborted, "step": status.CurrentStepIndex}
}
