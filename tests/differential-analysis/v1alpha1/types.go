package v1alpha1

import "strconv"

type AnalysisPhase string

const (
	AnalysisPhasePending      AnalysisPhase = "Pending"
	AnalysisPhaseRunning      AnalysisPhase = "Running"
	AnalysisPhaseSuccessful   AnalysisPhase = "Successful"
	AnalysisPhaseFailed       AnalysisPhase = "Failed"
	AnalysisPhaseError        AnalysisPhase = "Error"
	AnalysisPhaseInconclusive AnalysisPhase = "Inconclusive"
)

func (p AnalysisPhase) Completed() bool {
	switch p {
	case AnalysisPhaseSuccessful, AnalysisPhaseFailed, AnalysisPhaseError, AnalysisPhaseInconclusive:
		return true
	}
	return false
}

type IntOrString int

func (i *IntOrString) IntValue() int  { return int(*i) }
func (i *IntOrString) String() string { return strconv.Itoa(int(*i)) }

type Metric struct {
	Name                                                                                   string
	Interval                                                                               string
	Count, FailureLimit, InconclusiveLimit, ConsecutiveErrorLimit, ConsecutiveSuccessLimit *IntOrString
}

func (m *Metric) EffectiveCount() *IntOrString {
	if m.Count == nil || m.Count.IntValue() == 0 {
		if m.Interval == "" {
			one := IntOrString(1)
			return &one
		}
		return nil
	}
	return m.Count
}

type Measurement struct {
	Phase   AnalysisPhase
	Message string
}
type MetricResult struct {
	Phase                                                                                AnalysisPhase
	Measurements                                                                         []Measurement
	Count, Successful, Failed, Inconclusive, Error, ConsecutiveError, ConsecutiveSuccess int32
}
