// Written by alerts/generate.py from alerts/m365mon-*.yml: change those.
{
  local c = $._config,
  local bare = if c.selector == '' then '' else '{' + c.selector + '}',
  local first = if c.selector == '' then '' else c.selector + ', ',
  prometheusRules+:: {
    groups+: $.shaped([
      {
        name: 'm365mon-objectives',
        interval: '1m',
        rules: [
          {
            record: 'm365:resource_objective:ratio',
            expr: 'max by (account, kind, resource, location) (m365_resource_interval_seconds' + bare + ') * 0 + ' + c.objective,
          },
          {
            record: 'm365:resource_latency_limit:seconds',
            expr: 'max by (account, kind, resource, location) (m365_resource_interval_seconds' + bare + ') * 0 + ' + c.latencyLimitSeconds,
          },
          {
            record: 'm365:resource_latency_factor:ratio',
            expr: 'max by (account, kind, resource, location) (m365_resource_interval_seconds' + bare + ') * 0 + ' + c.latencyFactor,
          },
        ],
      },
      {
        name: 'm365mon-now',
        interval: '1m',
        rules: [
          {
            record: 'm365:resource_up:max',
            expr: 'max by (account, kind, resource, location, tenant) (\n  m365_resource_up' + bare + ' * on (job, instance, account) group_left (tenant) m365_account_info' + bare + '\n  or (m365_resource_up' + bare + ' unless on (job, instance, account) m365_account_info' + bare + ')\n)\n',
          },
          {
            record: 'm365:resource_consecutive_failures:min',
            expr: 'min by (account, kind, resource, location) (m365_resource_consecutive_failures' + bare + ')',
          },
          {
            record: 'm365:resource_interval_seconds:max',
            expr: 'max by (account, kind, resource, location) (m365_resource_interval_seconds' + bare + ')',
          },
          {
            record: 'm365:resource_last_success_timestamp_seconds:max',
            expr: 'max by (account, kind, resource, location) (max_over_time(m365_resource_last_success_timestamp_seconds' + bare + '[1d]))',
          },
          {
            record: 'm365:resource_down:bool',
            expr: '(m365:resource_consecutive_failures:min >= bool 2) == 1\nand on (account, kind, resource, location) (m365:resource_up:max == 0)\n',
          },
          {
            record: 'm365:account_resources_down:ratio',
            expr: '(\n  sum by (account) (m365:resource_down:bool)\n  or count by (account) (m365:resource_up:max) * 0\n)\n/ count by (account) (m365:resource_up:max)\n',
          },
          {
            record: 'm365:kind_resources_down:ratio',
            expr: '(\n  sum by (kind) (m365:resource_down:bool)\n  or count by (kind) (m365:resource_up:max) * 0\n)\n/ count by (kind) (m365:resource_up:max)\n',
          },
          {
            record: 'm365:resource_locations:count',
            expr: 'count by (account, kind, resource) (m365:resource_up:max)',
          },
          {
            record: 'm365:resource_locations_down:count',
            expr: 'count by (account, kind, resource) (m365:resource_down:bool)\nor m365:resource_locations:count * 0\n',
          },
          {
            record: 'm365:resource_quorum_up:bool',
            expr: 'm365:resource_locations_down:count * 2 < bool m365:resource_locations:count',
          },
        ],
      },
      {
        name: 'm365mon-counts-5m',
        interval: '5m',
        rules: [
          {
            record: 'm365:resource_probes_good:increase5m',
            expr: 'sum by (account, kind, resource, location) (increase(m365_resource_probes_total{' + first + 'outcome="success"}[5m]))',
          },
          {
            record: 'm365:resource_probes_bad:increase5m',
            expr: 'sum by (account, kind, resource, location) (increase(m365_resource_probes_total{' + first + 'outcome="failure"}[5m]))',
          },
          {
            record: 'm365:resource_probes_valid:increase5m',
            expr: 'sum by (account, kind, resource, location) (increase(m365_resource_probes_total{' + first + 'outcome=~"success|failure"}[5m]))',
          },
          {
            record: 'm365:resource_probes_good:increase30m',
            expr: 'sum_over_time(m365:resource_probes_good:increase5m[28m:5m])',
          },
          {
            record: 'm365:resource_probes_valid:increase30m',
            expr: 'sum_over_time(m365:resource_probes_valid:increase5m[28m:5m])',
          },
          {
            record: 'm365:resource_probes_good:increase1h',
            expr: 'sum_over_time(m365:resource_probes_good:increase5m[58m:5m])',
          },
          {
            record: 'm365:resource_probes_bad:increase1h',
            expr: 'sum_over_time(m365:resource_probes_bad:increase5m[58m:5m])',
          },
          {
            record: 'm365:resource_probes_valid:increase1h',
            expr: 'sum_over_time(m365:resource_probes_valid:increase5m[58m:5m])',
          },
          {
            record: 'm365:resource_probes_good:increase2h',
            expr: 'sum_over_time(m365:resource_probes_good:increase5m[118m:5m])',
          },
          {
            record: 'm365:resource_probes_valid:increase2h',
            expr: 'sum_over_time(m365:resource_probes_valid:increase5m[118m:5m])',
          },
          {
            record: 'm365:resource_errors:ratio5m',
            expr: '1 - m365:resource_probes_good:increase5m / (m365:resource_probes_valid:increase5m > 0)',
          },
          {
            record: 'm365:resource_errors:ratio30m',
            expr: '1 - m365:resource_probes_good:increase30m / (m365:resource_probes_valid:increase30m > 0)',
          },
          {
            record: 'm365:resource_errors:ratio1h',
            expr: '1 - m365:resource_probes_good:increase1h / (m365:resource_probes_valid:increase1h > 0)',
          },
          {
            record: 'm365:resource_errors:ratio2h',
            expr: '1 - m365:resource_probes_good:increase2h / (m365:resource_probes_valid:increase2h > 0)',
          },
        ],
      },
      {
        name: 'm365mon-counts-1d',
        interval: '5m',
        rules: [
          {
            record: 'm365:resource_probes_good:increase6h',
            expr: 'sum_over_time(m365:resource_probes_good:increase5m[358m:5m])',
          },
          {
            record: 'm365:resource_probes_bad:increase6h',
            expr: 'sum_over_time(m365:resource_probes_bad:increase5m[358m:5m])',
          },
          {
            record: 'm365:resource_probes_valid:increase6h',
            expr: 'sum_over_time(m365:resource_probes_valid:increase5m[358m:5m])',
          },
          {
            record: 'm365:resource_probes_good:increase1d',
            expr: 'sum_over_time(m365:resource_probes_good:increase5m[1438m:5m])',
          },
          {
            record: 'm365:resource_probes_bad:increase1d',
            expr: 'sum_over_time(m365:resource_probes_bad:increase5m[1438m:5m])',
          },
          {
            record: 'm365:resource_probes_valid:increase1d',
            expr: 'sum_over_time(m365:resource_probes_valid:increase5m[1438m:5m])',
          },
          {
            record: 'm365:resource_errors:ratio6h',
            expr: '1 - m365:resource_probes_good:increase6h / (m365:resource_probes_valid:increase6h > 0)',
          },
          {
            record: 'm365:resource_errors:ratio1d',
            expr: '1 - m365:resource_probes_good:increase1d / (m365:resource_probes_valid:increase1d > 0)',
          },
        ],
      },
      {
        name: 'm365mon-counts-30d',
        interval: '1h',
        rules: [
          {
            record: 'm365:resource_probes_good:increase30d',
            expr: 'sum_over_time(m365:resource_probes_good:increase1h[43170m:1h])',
          },
          {
            record: 'm365:resource_probes_valid:increase30d',
            expr: 'sum_over_time(m365:resource_probes_valid:increase1h[43170m:1h])',
          },
          {
            record: 'm365:resource_availability:ratio30d',
            expr: 'm365:resource_probes_good:increase30d / (m365:resource_probes_valid:increase30d > 0)',
          },
          {
            record: 'm365:resource_error_budget_remaining:ratio30d',
            expr: '1 - (1 - m365:resource_availability:ratio30d)\n/ on (account, kind, resource, location) (1 - m365:resource_objective:ratio)\n',
          },
        ],
      },
      {
        name: 'm365mon-latency',
        interval: '5m',
        rules: [
          {
            record: 'm365:resource_latency_seconds:p50_1h',
            expr: 'quantile_over_time(0.5, m365:resource_latency_seconds:max[1h])\n',
          },
          {
            record: 'm365:resource_latency_seconds:p95_1h',
            expr: 'quantile_over_time(0.95, m365:resource_latency_seconds:max[1h])\n',
          },
          {
            record: 'm365:resource_latency_seconds:p50_1d',
            expr: 'quantile_over_time(0.5, m365:resource_latency_seconds:max[1d])\n',
          },
          {
            record: 'm365:resource_latency_seconds:p95_1d',
            expr: 'quantile_over_time(0.95, m365:resource_latency_seconds:max[1d])\n',
          },
        ],
      },
      {
        name: 'm365mon-latency-now',
        interval: '1m',
        rules: [
          {
            record: 'm365:resource_latency_seconds:max',
            expr: 'max by (account, kind, resource, location) (m365_resource_latency_seconds' + bare + ')',
          },
        ],
      },
    ]),
  },
}
