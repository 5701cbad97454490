package defaults

import "facts/v1alpha1"

func GetConsecutiveErrorLimitOrDefault(m *v1alpha1.Metric) int32 {
	if m.ConsecutiveErrorLimit != nil {
		return int32(m.ConsecutiveErrorLimit.IntValue())
	}
	return 4
}
