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
            expr: 'm365:resource_interval_seconds:max * 0 + ' + c.objective,
          },
          {
            record: 'm365:resource_latency_limit:seconds',
            expr: 'm365:resource_interval_seconds:max * 0 + ' + c.latencyLimitSeconds,
          },
          {
            record: 'm365:resource_latency_factor:ratio',
            expr: 'm365:resource_interval_seconds:max * 0 + ' + c.latencyFactor,
          },
          {
            record: 'm365:account_token_latency_limit:seconds',
            expr: 'max without (instance, job, tenant, cloud, credential) (last_over_time(m365_account_info' + bare + '[2h])) * 0 + 3',
          },
          {
            record: 'm365:credential_ends_soon:seconds',
            expr: 'max without (instance, job) (last_over_time(m365_credential_expiry_timestamp_seconds{' + first + 'credential=~"client_.+"}[15m])) * 0 + ' + c.credentialSoonDays + ' * 86400\nor max without (instance, job) (last_over_time(m365_credential_expiry_timestamp_seconds' + bare + '[15m])) * 0 + 14 * 86400\n',
          },
          {
            record: 'm365:credential_ends_very_soon:seconds',
            expr: 'max without (instance, job) (last_over_time(m365_credential_expiry_timestamp_seconds{' + first + 'credential=~"client_.+"}[15m])) * 0 + ' + c.credentialVerySoonDays + ' * 86400\nor max without (instance, job) (last_over_time(m365_credential_expiry_timestamp_seconds' + bare + '[15m])) * 0 + 3 * 86400\n',
          },
          {
            record: 'm365:application_credential_ends_soon:seconds',
            expr: 'max without (instance, job) (last_over_time(m365_application_credential_expiry_timestamp_seconds{' + first + 'end="last"}[3h])) * 0 + 14 * 86400',
          },
          {
            record: 'm365:application_credential_ends_very_soon:seconds',
            expr: 'max without (instance, job) (last_over_time(m365_application_credential_expiry_timestamp_seconds{' + first + 'end="last"}[3h])) * 0 + 3 * 86400',
          },
          {
            record: 'm365:mail_delivery_limit:seconds',
            expr: 'max without (instance, job) (last_over_time(m365_mail_delivery_seconds' + bare + '[2h])) * 0 + 120',
          },
          {
            record: 'm365:license_reserve:ratio',
            expr: 'max without (instance, job) (last_over_time(m365_license_consumed_units' + bare + '[1h])) * 0 + 0.02',
          },
          {
            record: 'm365:directory_sync_limit:seconds',
            expr: 'max without (instance, job) (last_over_time(m365_directory_last_sync_timestamp_seconds' + bare + '[1h])) * 0 + 3 * 3600',
          },
        ],
      },
      {
        name: 'm365mon-memory',
        interval: '30s',
        rules: [
          {
            record: 'm365:resource_housekeeping:bool',
            expr: 'group by (account, kind, resource) (\n  m365_resource_info{' + first + 'impact="housekeeping"}\n  or (\n    last_over_time(m365_resource_info{' + first + 'impact="housekeeping"}[1h])\n    unless on (instance, job, account, kind, resource) m365_resource_interval_seconds' + bare + '\n  )\n)\n',
          },
          {
            record: 'm365:resource_planned:bool',
            expr: 'group by (account, kind, resource) (\n  m365_resource_planned_downtime' + bare + ' == 1\n  or (\n    last_over_time(m365_resource_planned_downtime' + bare + '[10m]) == 1\n    unless on (instance, job, account, kind, resource) m365_resource_interval_seconds' + bare + '\n  )\n)\n',
          },
          {
            record: 'm365:resource_removed:bool',
            expr: 'max without (instance, job) (\n  (last_over_time(m365_resource_interval_seconds' + bare + '[15m]) and on (instance, job) m365mon_build_info' + bare + ')\n  or (\n    last_over_time(m365_resource_interval_seconds' + bare + '[15m])\n    unless on (instance, job) last_over_time(m365mon_build_info' + bare + '[15m])\n    unless on (instance, job) up\n  )\n) * 0 + 1\nunless max without (instance, job) (m365_resource_interval_seconds' + bare + ')\n',
          },
          {
            record: 'm365:resource_up:max',
            expr: 'max without (instance, job) (m365_resource_up' + bare + ')',
          },
          {
            record: 'm365:resource_up:unplanned',
            expr: 'm365:resource_up:max unless on (account, kind, resource) m365:resource_planned:bool',
          },
          {
            record: 'm365:resource_last_success_timestamp_seconds:max',
            expr: '(\n  max without (instance, job) (m365_resource_last_success_timestamp_seconds' + bare + ')\n  or last_over_time(m365:resource_last_success_timestamp_seconds:max[1h])\n)\nand max without (instance, job) (last_over_time(m365_resource_interval_seconds' + bare + '[1h]))\n',
          },
          {
            record: 'm365:resource_interval_seconds:max',
            expr: 'max without (instance, job) (last_over_time(m365_resource_interval_seconds' + bare + '[15m]))\nunless m365:resource_removed:bool\n',
          },
          {
            record: 'm365:resource_judged_timestamp_seconds:max',
            expr: '(\n  m365:resource_up:max * 0 + time()\n  or last_over_time(m365:resource_judged_timestamp_seconds:max[1h])\n  or max without (instance, job) (m365_resource_interval_seconds' + bare + ') * 0 + time()\n)\nand max without (instance, job) (last_over_time(m365_resource_interval_seconds' + bare + '[1h]))\n',
          },
          {
            record: 'm365:resource_waits:bool',
            expr: '(max without (instance, job) (m365_resource_interval_seconds' + bare + ') > bool 300) == 1\nunless max without (instance, job) (m365_resource_last_probe_timestamp_seconds' + bare + ')\n',
          },
          {
            record: 'm365:resource_remembered:bool',
            expr: 'group without (instance, job) (present_over_time(m365_resource_up' + bare + '[1h]))\nor (time() - m365:resource_judged_timestamp_seconds:max < m365:resource_interval_seconds:max + 300) * 0 + 1\n',
          },
          {
            record: 'm365:resource_places:count',
            expr: 'count by (account, kind, resource) (\n  group by (account, kind, resource, location) (last_over_time(m365_resource_interval_seconds' + bare + '[1h]))\n)\n',
          },
          {
            record: 'm365:resource_problem:recent',
            expr: 'max without (instance, job) (\n  m365_resource_problem' + bare + '\n  or (\n    last_over_time(m365_resource_problem' + bare + '[15m])\n    unless ignoring (outcome, reason) m365_resource_last_probe_timestamp_seconds' + bare + '\n  )\n)\nor (m365:resource_problem:recent and on (account, kind, resource, location) m365:resource_waits:bool)\n',
          },
          {
            record: 'm365:account_problem:recent',
            expr: 'max without (instance, job) (\n  m365_account_problem' + bare + '\n  or (last_over_time(m365_account_problem' + bare + '[15m]) unless ignoring (outcome, reason) m365_account_up' + bare + ')\n)\n',
          },
          {
            record: 'm365:location_resources_known:count',
            expr: 'count by (location) (\n  group by (account, kind, resource, location) (m365_resource_up' + bare + ')\n  unless on (account, kind, resource) m365:resource_housekeeping:bool\n)\nor count by (location) (\n  group by (account, kind, resource, location) (m365_resource_interval_seconds' + bare + ')\n  unless on (account, kind, resource) m365:resource_housekeeping:bool\n) * 0\n',
          },
          {
            record: 'm365:resource_quorum_up:bool',
            expr: 'm365:resource_locations_down:ratio < bool 0.5',
          },
        ],
      },
      {
        name: 'm365mon-counts-5m',
        interval: '5m',
        rules: [
          {
            record: 'm365:resource_probes_good:increase5m',
            expr: 'sum without (instance, job, outcome) (increase(m365_resource_probes_total{' + first + 'outcome="success"}[5m]))\nunless on (account, kind, resource) max_over_time(m365:resource_planned:bool[5m])\n',
          },
          {
            record: 'm365:resource_probes_bad:increase5m',
            expr: 'sum without (instance, job, outcome) (increase(m365_resource_probes_total{' + first + 'outcome="failure"}[5m]))\nunless on (account, kind, resource) max_over_time(m365:resource_planned:bool[5m])\n',
          },
          {
            record: 'm365:resource_probes_valid:increase5m',
            expr: 'sum without (instance, job, outcome) (increase(m365_resource_probes_total{' + first + 'outcome=~"success|failure"}[5m]))\nunless on (account, kind, resource) max_over_time(m365:resource_planned:bool[5m])\n',
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
        ],
      },
      {
        name: 'm365mon-ratios',
        interval: '5m',
        rules: [
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
          {
            record: 'm365:resource_errors:ratio6h',
            expr: '1 - m365:resource_probes_good:increase6h / (m365:resource_probes_valid:increase6h > 0)',
          },
          {
            record: 'm365:resource_errors:ratio1d',
            expr: '1 - m365:resource_probes_good:increase1d / (m365:resource_probes_valid:increase1d > 0)',
          },
          {
            record: 'm365:resource_up:changes1h',
            expr: 'changes(m365:resource_up:unplanned[1h])',
          },
          {
            record: 'm365:resource_up:changes6h',
            expr: 'sum_over_time(m365:resource_up:changes1h[358m:1h])',
          },
          {
            record: 'm365:resource_up:changes1d',
            expr: 'sum_over_time(m365:resource_up:changes1h[1438m:1h])',
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
            expr: '1 - (1 - m365:resource_availability:ratio30d) / (1 - m365:resource_objective:ratio)',
          },
        ],
      },
      {
        name: 'm365mon-latency-now',
        interval: '1m',
        rules: [
          {
            record: 'm365:resource_latency_seconds:max',
            expr: 'max without (instance, job) (m365_resource_latency_seconds' + bare + ')',
          },
        ],
      },
      {
        name: 'm365mon-latency',
        interval: '5m',
        rules: [
          {
            record: 'm365:resource_latency_seconds:p50_30m',
            expr: 'quantile_over_time(0.5, m365:resource_latency_seconds:max[30m])',
          },
          {
            record: 'm365:resource_latency_seconds:p50_1h',
            expr: 'quantile_over_time(0.5, m365:resource_latency_seconds:max[1h])',
          },
          {
            record: 'm365:resource_latency_seconds:p95_1h',
            expr: 'quantile_over_time(0.95, m365:resource_latency_seconds:max[1h])',
          },
          {
            record: 'm365:resource_latency_seconds:p50_1d',
            expr: 'quantile_over_time(0.5, m365:resource_latency_seconds:max[1d])',
          },
          {
            record: 'm365:resource_latency_seconds:p95_1d',
            expr: 'quantile_over_time(0.95, m365:resource_latency_seconds:max[1d])',
          },
          {
            record: 'm365:resource_latency_seconds:usual',
            expr: 'm365:resource_latency_seconds:p50_30m offset 1w\nor m365:resource_latency_seconds:p50_30m offset 1d\n',
          },
          {
            record: 'm365:resource_successes:changes30m',
            expr: 'changes(m365:resource_last_success_timestamp_seconds:max[30m])',
          },
          {
            record: 'm365:resource_successes:changes3h',
            expr: 'changes(m365:resource_last_success_timestamp_seconds:max[3h])',
          },
        ],
      },
      {
        name: 'm365mon-network',
        interval: '5m',
        rules: [
          {
            record: 'm365:resource_connect_seconds:p50_5m',
            expr: 'max without (instance, job, phase) (\n  quantile_over_time(0.5, m365_resource_phase_latency_seconds{' + first + 'phase="connect"}[5m])\n  and on (instance, job, account, kind, resource) m365_resource_info{' + first + 'connection="new", via="direct"}\n)\n',
          },
          {
            record: 'm365:resource_connect_seconds:p50_3d',
            expr: 'quantile_over_time(0.5, m365:resource_connect_seconds:p50_5m[3d])',
          },
          {
            record: 'm365:resource_network:points',
            expr: '100\n- clamp(m365:resource_connect_seconds:p50_3d * 1000 - 10, 0, 15) * 20 / 15\n- clamp(m365:resource_connect_seconds:p50_3d * 1000 - 25, 0, 75) * 20 / 75\n- clamp(m365:resource_connect_seconds:p50_3d * 1000 - 100, 0, 200) * 0.2\n- clamp(m365:resource_connect_seconds:p50_3d * 1000 - 300, 0, 50) * 0.4\n',
          },
          {
            record: 'm365:location_network:points',
            expr: 'quantile by (location) (0.5, m365:resource_network:points)',
          },
          {
            record: 'm365:location_host_network:points',
            expr: 'quantile by (location, host) (0.5,\n  max by (account, kind, resource, location, host) (m365_resource_info{' + first + 'connection="new", via="direct"})\n  * on (account, kind, resource, location) group_left ()\n  max by (account, kind, resource, location) (m365:resource_network:points)\n)\n',
          },
        ],
      },
    ]),
  },
}
