package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/utils/annotations"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The types of this file mirror those of the crate, as serde writes them.

type podSet struct {
	Wanted    int32 `json:"wanted"`
	Created   int32 `json:"created"`
	Available int32 `json:"available"`
}

type setsJSON struct {
	Canary *podSet         `json:"canary"`
	Stable json.RawMessage `json:"stable"`
	Older  []podSet        `json:"older"`
}

type canaryJSON struct {
	Replicas       int32              `json:"replicas"`
	MaxSurge       intstr.IntOrString `json:"max_surge"`
	MaxUnavailable intstr.IntOrString `json:"max_unavailable"`
	Steps          []json.RawMessage  `json:"steps"`
	Traffic        *trafficJSON       `json:"traffic"`
	Threshold      map[string]int32   `json:"threshold"`
}

type trafficJSON struct {
	MaxWeight          int32           `json:"max_weight"`
	MinPods            *int32          `json:"min_pods"`
	DynamicStableScale bool            `json:"dynamic_stable_scale"`
	AbortDelay         json.RawMessage `json:"abort_delay"`
}

type positionJSON struct {
	Course  string `json:"course"`
	Aborted bool   `json:"aborted"`
	Step    int32  `json:"step"`
}

type weightsJSON struct {
	Canary   int32 `json:"canary"`
	Stable   int32 `json:"stable"`
	Outdated bool  `json:"outdated"`
}

type evidenceJSON struct {
	Held        bool   `json:"held"`
	Paused      bool   `json:"paused"`
	PausedSince *int64 `json:"paused_since"`
	Verified    *bool  `json:"verified"`
	JudgedWell  bool   `json:"judged_well"`
}

type caseJSON struct {
	Canary   canaryJSON    `json:"canary"`
	Position positionJSON  `json:"position"`
	Sets     setsJSON      `json:"sets"`
	Weights  *weightsJSON  `json:"weights"`
	Evidence *evidenceJSON `json:"evidence"`
	Now      int64         `json:"now"`
	Weight   int32         `json:"weight"`
}

// canaryQuestion is a case in upstream's types.
type canaryQuestion struct {
	caseJSON
	rollout        *v1alpha1.Rollout
	canary, stable *appsv1.ReplicaSet
	older          []*appsv1.ReplicaSet
}

const newHash, oldHash, otherHash = "new", "old", "other"

func readCanary(text json.RawMessage) (*canaryQuestion, error) {
	question := &canaryQuestion{}
	if err := json.Unmarshal(text, &question.caseJSON); err != nil {
		return nil, err
	}
	ro := &v1alpha1.Rollout{}
	question.rollout = ro
	ro.Spec.Replicas = &question.Canary.Replicas
	strategy := &v1alpha1.CanaryStrategy{
		MaxSurge:       &question.Canary.MaxSurge,
		MaxUnavailable: &question.Canary.MaxUnavailable,
	}
	ro.Spec.Strategy.Canary = strategy
	for _, text := range question.Canary.Steps {
		step, err := readStep(text)
		if err != nil {
			return nil, err
		}
		strategy.Steps = append(strategy.Steps, step)
	}
	for kind, value := range question.Canary.Threshold {
		names := map[string]v1alpha1.ProgressType{
			"percent": v1alpha1.ProgressTypePercentage, "pods": v1alpha1.ProgressTypePods,
		}
		strategy.ReplicaProgressThreshold = &v1alpha1.ReplicaProgressThreshold{
			Type: names[kind], Value: value,
		}
	}
	if err := question.readTraffic(strategy); err != nil {
		return nil, err
	}
	question.readStatus()
	return question, question.readSets()
}

func readStep(text json.RawMessage) (v1alpha1.CanaryStep, error) {
	var step v1alpha1.CanaryStep
	if string(text) == `"judge"` {
		step.Analysis = &v1alpha1.RolloutAnalysis{}
		return step, nil
	}
	if string(text) == `"route"` {
		step.SetHeaderRoute = &v1alpha1.SetHeaderRoute{}
		return step, nil
	}
	var kinds struct {
		SetWeight      *int32          `json:"set_weight"`
		SetCanaryScale json.RawMessage `json:"set_canary_scale"`
		Pause          json.RawMessage `json:"pause"`
	}
	if err := json.Unmarshal(text, &kinds); err != nil {
		return step, err
	}
	switch {
	case kinds.SetWeight != nil:
		step.SetWeight = kinds.SetWeight
	case kinds.SetCanaryScale != nil:
		step.SetCanaryScale = &v1alpha1.SetCanaryScale{}
		if string(kinds.SetCanaryScale) == `"match_traffic"` {
			step.SetCanaryScale.MatchTrafficWeight = true
			return step, nil
		}
		var scale struct {
			Pods   *int32 `json:"pods"`
			Weight *int32 `json:"weight"`
		}
		if err := json.Unmarshal(kinds.SetCanaryScale, &scale); err != nil {
			return step, err
		}
		step.SetCanaryScale.Replicas, step.SetCanaryScale.Weight = scale.Pods, scale.Weight
	default:
		var length *struct {
			Secs int32 `json:"secs"`
		}
		step.Pause = &v1alpha1.RolloutPause{}
		if err := json.Unmarshal(kinds.Pause, &length); err != nil {
			return step, err
		}
		if length != nil {
			duration := intstr.FromInt32(length.Secs)
			step.Pause.Duration = &duration
		}
	}
	return step, nil
}

func (q *canaryQuestion) readTraffic(strategy *v1alpha1.CanaryStrategy) error {
	traffic := q.Canary.Traffic
	if traffic == nil {
		return nil
	}
	strategy.TrafficRouting = &v1alpha1.RolloutTrafficRouting{MaxTrafficWeight: &traffic.MaxWeight}
	strategy.MinPodsPerReplicaSet = traffic.MinPods
	strategy.DynamicStableScale = traffic.DynamicStableScale
	var delay struct {
		Seconds int32 `json:"seconds"`
	}
	switch string(traffic.AbortDelay) {
	case `"unsaid"`:
		return nil
	case `"never"`:
	default:
		if err := json.Unmarshal(traffic.AbortDelay, &delay); err != nil {
			return err
		}
	}
	strategy.AbortScaleDownDelaySeconds = &delay.Seconds
	return nil
}

func (q *canaryQuestion) readStatus() {
	status := &q.rollout.Status
	status.CurrentPodHash, status.StableRS = newHash, oldHash
	switch q.Position.Course {
	case "first":
		status.StableRS = ""
	case "stable":
		status.StableRS = newHash
	case "full":
		status.PromoteFull = true
	}
	status.Abort = q.Position.Aborted
	status.CurrentStepIndex = &q.Position.Step
	if q.Weights != nil {
		hash := newHash
		if q.Weights.Outdated {
			hash = otherHash
		}
		status.Canary.Weights = &v1alpha1.TrafficWeights{
			Canary: v1alpha1.WeightDestination{Weight: q.Weights.Canary, PodTemplateHash: hash},
			Stable: v1alpha1.WeightDestination{Weight: q.Weights.Stable, PodTemplateHash: oldHash},
		}
	}
	if q.Evidence == nil {
		return
	}
	q.rollout.Spec.Paused = q.Evidence.Held
	status.ControllerPause = q.Evidence.Paused
	if q.Evidence.PausedSince != nil {
		status.PauseConditions = []v1alpha1.PauseCondition{{
			Reason:    v1alpha1.PauseReasonCanaryPauseStep,
			StartTime: metav1.NewTime(time.UnixMilli(*q.Evidence.PausedSince)),
		}}
	}
	if status.Canary.Weights != nil {
		status.Canary.Weights.Verified = q.Evidence.Verified
	}
}

func (q *canaryQuestion) readSets() error {
	if q.Sets.Canary != nil {
		q.canary = replicaSet(newHash, q.Sets.Canary)
	}
	switch string(q.Sets.Stable) {
	case `"absent"`:
	case `"canary"`:
		q.stable = q.canary
	default:
		var own struct {
			Other *podSet `json:"other"`
		}
		if err := json.Unmarshal(q.Sets.Stable, &own); err != nil {
			return err
		}
		q.stable = replicaSet(oldHash, own.Other)
	}
	for i := range q.Sets.Older {
		set := replicaSet(fmt.Sprint("older", i), &q.Sets.Older[i])
		set.CreationTimestamp = metav1.NewTime(time.Unix(int64(1000-i), 0))
		set.Annotations = map[string]string{annotations.RevisionAnnotation: fmt.Sprint(1000 - i)}
		q.older = append(q.older, set)
	}
	return nil
}

// all are the pods of every version, each once.
func (q *canaryQuestion) all() []*appsv1.ReplicaSet {
	all := append([]*appsv1.ReplicaSet{}, q.older...)
	if q.canary != nil {
		all = append(all, q.canary)
	}
	if q.stable != nil && q.stable != q.canary {
		all = append(all, q.stable)
	}
	return all
}

func replicaSet(hash string, pods *podSet) *appsv1.ReplicaSet {
	set := &appsv1.ReplicaSet{}
	set.Name = hash
	set.Labels = map[string]string{v1alpha1.DefaultRolloutUniqueLabelKey: hash}
	set.Spec.Replicas = &pods.Wanted
	set.Status.Replicas, set.Status.AvailableReplicas = pods.Created, pods.Available
	return set
}
