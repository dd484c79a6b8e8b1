// Written by alerts/generate.py from alerts/m365mon-*.yml: change those.
{
  local c = $._config,
  local bare = if c.selector == '' then '' else '{' + c.selector + '}',
  local first = if c.selector == '' then '' else c.selector + ', ',
  prometheusAlerts+:: {
    groups+: $.shaped([
      {
        name: 'm365mon-resources',
        interval: '1m',
        rules: [
          {
            alert: 'M365ResourceDown',
            expr: '(\n  m365:resource_down:bool\n  and on (account, kind, resource, location) m365:resource_last_success_timestamp_seconds:max\n)\nunless on (account, kind, resource) (\n  (m365:resource_locations:count >= 3) and (m365:resource_quorum_up:bool == 1)\n)\n',
            keep_firing_for: '5m',
            labels: {
              severity: 'page',
            },
            annotations: {
              summary: '{{ $labels.resource }}{{ with $labels.location }} as seen from {{ . }}{{ end }} is down',
              description: 'Two conclusive probes in a row failed for {{ $labels.resource }} ({{ $labels.kind }}, account {{ $labels.account }}). Users feel this. The reason is in m365_resource_problem and on the exporter\'s page.',
              runbook_url: c.runbookUrl + '/M365ResourceDown',
              dashboard_url: c.dashboardUrl + '/d/m365mon-resource?var-account={{ $labels.account }}&var-resource={{ $labels.resource }}',
            },
          },
          {
            alert: 'M365ResourceNeverWorked',
            expr: 'm365:resource_down:bool\nunless on (account, kind, resource, location) m365:resource_last_success_timestamp_seconds:max\n',
            'for': '10m',
            keep_firing_for: '5m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: '{{ $labels.resource }}{{ with $labels.location }} as seen from {{ . }}{{ end }} has never worked',
              description: 'No probe of {{ $labels.resource }} ({{ $labels.kind }}, account {{ $labels.account }}) has ever succeeded: more likely a wrong address or a missing grant than an outage.',
              runbook_url: c.runbookUrl + '/M365ResourceNeverWorked',
              dashboard_url: c.dashboardUrl + '/d/m365mon-resource?var-account={{ $labels.account }}&var-resource={{ $labels.resource }}',
            },
          },
          {
            alert: 'M365AccountAllDown',
            expr: '(m365:account_resources_down:ratio == 1)\nand on (account) (count by (account) (m365:resource_up:max) >= 3)\n',
            keep_firing_for: '5m',
            labels: {
              severity: 'page',
            },
            annotations: {
              summary: 'every resource of account {{ $labels.account }} is down',
              description: 'All resources watched through account {{ $labels.account }} (three or more) fail conclusively: one cause, not many. Look at the network, the proxy or Microsoft\'s status first.',
              runbook_url: c.runbookUrl + '/M365AccountAllDown',
              dashboard_url: c.dashboardUrl + '/d/m365mon-accounts?var-account={{ $labels.account }}',
            },
          },
          {
            alert: 'M365KindAllDown',
            expr: '(m365:kind_resources_down:ratio == 1)\nand on (kind) (count by (kind) (m365:resource_up:max) >= 3)\n',
            keep_firing_for: '5m',
            labels: {
              severity: 'page',
            },
            annotations: {
              summary: 'every {{ $labels.kind }} is down',
              description: 'All resources of kind {{ $labels.kind }} (three or more) fail conclusively, over all accounts: the service itself, or everything between here and it.',
              runbook_url: c.runbookUrl + '/M365KindAllDown',
              dashboard_url: c.dashboardUrl + '/d/m365mon-overview?var-kind={{ $labels.kind }}',
            },
          },
          {
            alert: 'M365ResourceSlow',
            expr: '(\n  min by (account, kind, resource, location) (min_over_time(m365:resource_latency_seconds:max[10m]))\n  > on (account, kind, resource, location) m365:resource_latency_limit:seconds\n)\n',
            'for': '5m',
            keep_firing_for: '5m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: '{{ $labels.resource }}{{ with $labels.location }} as seen from {{ . }}{{ end }} is slow',
              description: 'For ten minutes every successful probe of {{ $labels.resource }} took longer than the set limit; now {{ $value | humanizeDuration }}.',
              runbook_url: c.runbookUrl + '/M365ResourceSlow',
              dashboard_url: c.dashboardUrl + '/d/m365mon-resource?var-account={{ $labels.account }}&var-resource={{ $labels.resource }}',
            },
          },
          {
            alert: 'M365ResourceSlowerThanUsual',
            expr: '(\n  m365:resource_latency_seconds:p50_1h\n  > on (account, kind, resource, location) (m365:resource_latency_seconds:p50_1d * on (account, kind, resource, location) m365:resource_latency_factor:ratio)\n)\nand on (account, kind, resource, location) (m365:resource_latency_seconds:p50_1h > 0.5)\n',
            'for': '15m',
            keep_firing_for: '15m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: '{{ $labels.resource }}{{ with $labels.location }} as seen from {{ . }}{{ end }} is slower than usual',
              description: 'The median latency of the last hour, {{ $value | humanizeDuration }}, is a multiple of the median of the last day.',
              runbook_url: c.runbookUrl + '/M365ResourceSlowerThanUsual',
              dashboard_url: c.dashboardUrl + '/d/m365mon-resource?var-account={{ $labels.account }}&var-resource={{ $labels.resource }}',
            },
          },
          {
            alert: 'M365ErrorBudgetBurnFast',
            expr: '(\n  m365:resource_errors:ratio5m > on (account, kind, resource, location) (' + c.burnRateFast + ' * (1 - m365:resource_objective:ratio))\n)\nand on (account, kind, resource, location) (\n  m365:resource_errors:ratio1h > on (account, kind, resource, location) (' + c.burnRateFast + ' * (1 - m365:resource_objective:ratio))\n)\nand on (account, kind, resource, location) (m365:resource_probes_bad:increase1h >= 3)\nunless on (account, kind, resource, location) max_over_time(m365:resource_down:bool[1h])\nand on (account, kind, resource, location) (m365:resource_interval_seconds:max <= 120)\n',
            keep_firing_for: '5m',
            labels: {
              severity: 'page',
            },
            annotations: {
              summary: '{{ $labels.resource }}{{ with $labels.location }} as seen from {{ . }}{{ end }} burns its error budget 14 times too fast',
              description: 'At this rate the 30-day budget is gone in two days. Failures come and go, so that no single outage was long enough to page.',
              runbook_url: c.runbookUrl + '/M365ErrorBudgetBurnFast',
              dashboard_url: c.dashboardUrl + '/d/m365mon-resource?var-account={{ $labels.account }}&var-resource={{ $labels.resource }}',
            },
          },
          {
            alert: 'M365ErrorBudgetBurn',
            expr: '(\n  m365:resource_errors:ratio30m > on (account, kind, resource, location) (' + c.burnRate + ' * (1 - m365:resource_objective:ratio))\n)\nand on (account, kind, resource, location) (\n  m365:resource_errors:ratio6h > on (account, kind, resource, location) (' + c.burnRate + ' * (1 - m365:resource_objective:ratio))\n)\nand on (account, kind, resource, location) (m365:resource_probes_bad:increase6h >= 5)\nunless on (account, kind, resource, location) max_over_time(m365:resource_down:bool[6h])\n',
            keep_firing_for: '10m',
            labels: {
              severity: 'page',
            },
            annotations: {
              summary: '{{ $labels.resource }}{{ with $labels.location }} as seen from {{ . }}{{ end }} burns its error budget 6 times too fast',
              description: 'At this rate the 30-day budget is gone in five days.',
              runbook_url: c.runbookUrl + '/M365ErrorBudgetBurn',
              dashboard_url: c.dashboardUrl + '/d/m365mon-resource?var-account={{ $labels.account }}&var-resource={{ $labels.resource }}',
            },
          },
          {
            alert: 'M365ErrorBudgetBurnSlow',
            expr: '(\n  m365:resource_errors:ratio2h > on (account, kind, resource, location) (' + c.burnRateSlow + ' * (1 - m365:resource_objective:ratio))\n)\nand on (account, kind, resource, location) (\n  m365:resource_errors:ratio1d > on (account, kind, resource, location) (' + c.burnRateSlow + ' * (1 - m365:resource_objective:ratio))\n)\nand on (account, kind, resource, location) (m365:resource_probes_bad:increase1d >= 5)\n',
            keep_firing_for: '30m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: '{{ $labels.resource }}{{ with $labels.location }} as seen from {{ . }}{{ end }} burns its error budget 3 times too fast',
              description: 'At this rate the 30-day budget is gone in ten days.',
              runbook_url: c.runbookUrl + '/M365ErrorBudgetBurnSlow',
              dashboard_url: c.dashboardUrl + '/d/m365mon-resource?var-account={{ $labels.account }}&var-resource={{ $labels.resource }}',
            },
          },
          {
            alert: 'M365ResourceNotMonitored',
            expr: '(\n  max by (account, kind, resource, location) (m365_resource_interval_seconds' + bare + ')\n  unless on (account, kind, resource, location) m365:resource_up:max\n)\n',
            'for': '10m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: '{{ $labels.resource }}{{ with $labels.location }} as seen from {{ . }}{{ end }} is not being monitored',
              description: 'No probe of {{ $labels.resource }} was conclusive for at least three intervals: nobody knows whether it works. The reason is in m365_resource_problem.',
              runbook_url: c.runbookUrl + '/M365ResourceNotMonitored',
              dashboard_url: c.dashboardUrl + '/d/m365mon-resource?var-account={{ $labels.account }}&var-resource={{ $labels.resource }}',
            },
          },
          {
            alert: 'M365LocationDisagrees',
            expr: 'm365:resource_down:bool\nand on (account, kind, resource) (\n  (m365:resource_locations:count >= 3) and (m365:resource_quorum_up:bool == 1)\n)\n',
            'for': '5m',
            keep_firing_for: '5m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: '{{ $labels.resource }} is down from {{ $labels.location }} only',
              description: 'Most locations reach {{ $labels.resource }}; {{ $labels.location }} does not. Look at that location\'s network, proxy and name resolution.',
              runbook_url: c.runbookUrl + '/M365LocationDisagrees',
              dashboard_url: c.dashboardUrl + '/d/m365mon-locations?var-resource={{ $labels.resource }}',
            },
          },
          {
            alert: 'M365ResourceForbidden',
            expr: 'max by (account, kind, resource, location, reason) (m365_resource_problem{' + first + 'reason=~"forbidden|unauthorized"})\n',
            'for': '15m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: 'a permission for {{ $labels.resource }}{{ with $labels.location }} as seen from {{ . }}{{ end }} is missing',
              description: 'Microsoft refuses the probe with {{ $labels.reason }}. `m365mon probe {{ $labels.resource }}` names the permission that is probably missing. A grant takes up to two hours to act.',
              runbook_url: c.runbookUrl + '/M365ResourceForbidden',
              dashboard_url: c.dashboardUrl + '/d/m365mon-resource?var-account={{ $labels.account }}&var-resource={{ $labels.resource }}',
            },
          },
          {
            alert: 'M365ResourceRejected',
            expr: 'max by (account, kind, resource, location) (m365_resource_problem{' + first + 'reason="rejected"})\n',
            'for': '15m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: 'the probe of {{ $labels.resource }}{{ with $labels.location }} as seen from {{ . }}{{ end }} is not understood',
              description: 'Microsoft says that the request is wrong: the address or the user in the configuration does not fit the tenant.',
              runbook_url: c.runbookUrl + '/M365ResourceRejected',
              dashboard_url: c.dashboardUrl + '/d/m365mon-resource?var-account={{ $labels.account }}&var-resource={{ $labels.resource }}',
            },
          },
        ],
      },
      {
        name: 'm365mon-accounts',
        interval: '1m',
        rules: [
          {
            alert: 'M365SignInServiceDown',
            expr: 'max by (account, reason) (m365_account_problem{' + first + 'outcome="failure"})\nand on (account, reason)\n  max by (account, reason) (m365_account_problem{' + first + 'outcome="failure"} offset 1m)\n',
            'for': '1m',
            keep_firing_for: '5m',
            labels: {
              severity: 'page',
            },
            annotations: {
              summary: 'the sign-in service does not work for account {{ $labels.account }}',
              description: 'Token requests fail with {{ $labels.reason }}: nobody here can sign in to Microsoft 365 anew. Resources stay up while their tokens last.',
              runbook_url: c.runbookUrl + '/M365SignInServiceDown',
              dashboard_url: c.dashboardUrl + '/d/m365mon-accounts?var-account={{ $labels.account }}',
            },
          },
          {
            alert: 'M365AccountRefused',
            expr: 'max by (account) (m365_account_problem{' + first + 'reason="refused"})\n',
            'for': '5m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: 'Entra refuses account {{ $labels.account }}',
              description: 'The credential or the application is not accepted: an administrator or the configuration must mend it. The AADSTS code is in m365_token_request_problems_total and on the exporter\'s page.',
              runbook_url: c.runbookUrl + '/M365AccountRefused',
              dashboard_url: c.dashboardUrl + '/d/m365mon-accounts?var-account={{ $labels.account }}',
            },
          },
          {
            alert: 'M365SignInRequired',
            expr: 'max by (account, location) (m365_account_sign_in_required' + bare + ') == 1\n',
            'for': '5m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: 'somebody must sign in to account {{ $labels.account }}{{ with $labels.location }} in {{ . }}{{ end }}',
              description: 'The consent or refresh token of {{ $labels.account }} no longer works. Run `m365mon login {{ $labels.account }}`.',
              runbook_url: c.runbookUrl + '/M365SignInRequired',
              dashboard_url: c.dashboardUrl + '/d/m365mon-accounts?var-account={{ $labels.account }}',
            },
          },
          {
            alert: 'M365Throttled',
            expr: '(max by (account, gate) (m365_throttled_until_timestamp_seconds' + bare + ') > time())\nunless on (account) max by (account) (m365_account_problem{' + first + 'reason=~"refused|sign_in_required"})\n',
            'for': '30m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: 'account {{ $labels.account }} is throttled by {{ $labels.gate }}',
              description: 'Microsoft has asked the exporter to wait for half an hour or more: probes are left out, and what is not probed is not watched. Longer intervals or a registration of its own help.',
              runbook_url: c.runbookUrl + '/M365Throttled',
              dashboard_url: c.dashboardUrl + '/d/m365mon-accounts?var-account={{ $labels.account }}',
            },
          },
          {
            alert: 'M365CredentialExpiresSoon',
            expr: '(min by (account, credential, location) (m365_credential_expiry_timestamp_seconds' + bare + ') - time() < ' + c.credentialSoonDays + ' * 86400)\nand (min by (account, credential, location) (m365_credential_expiry_timestamp_seconds' + bare + ') - time() >= ' + c.credentialVerySoonDays + ' * 86400)\n',
            'for': '10m',
            labels: {
              severity: 'info',
            },
            annotations: {
              summary: '{{ $labels.credential }} of account {{ $labels.account }}{{ with $labels.location }} in {{ . }}{{ end }} ends in {{ $value | humanizeDuration }}',
              description: 'After that the resources of {{ $labels.account }} cannot be probed until a person acts. A refresh token of an account that is probed renews itself and never comes here.',
              runbook_url: c.runbookUrl + '/M365CredentialExpiresSoon',
              dashboard_url: c.dashboardUrl + '/d/m365mon-accounts?var-account={{ $labels.account }}',
            },
          },
          {
            alert: 'M365CredentialExpiresVerySoon',
            expr: '(min by (account, credential, location) (m365_credential_expiry_timestamp_seconds' + bare + ') - time() < ' + c.credentialVerySoonDays + ' * 86400)\nand (min by (account, credential, location) (m365_credential_expiry_timestamp_seconds' + bare + ') - time() > 0)\n',
            'for': '10m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: '{{ $labels.credential }} of account {{ $labels.account }}{{ with $labels.location }} in {{ . }}{{ end }} ends in {{ $value | humanizeDuration }}',
              description: 'Less than three days are left to replace it.',
              runbook_url: c.runbookUrl + '/M365CredentialExpiresVerySoon',
              dashboard_url: c.dashboardUrl + '/d/m365mon-accounts?var-account={{ $labels.account }}',
            },
          },
          {
            alert: 'M365CredentialExpired',
            expr: 'min by (account, credential, location) (m365_credential_expiry_timestamp_seconds' + bare + ') - time() <= 0\n',
            'for': '1m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: '{{ $labels.credential }} of account {{ $labels.account }}{{ with $labels.location }} in {{ . }}{{ end }} has ended',
              description: 'It ended {{ $value | humanizeDuration }} ago (negative: so long past). Replace it, or sign in again.',
              runbook_url: c.runbookUrl + '/M365CredentialExpired',
              dashboard_url: c.dashboardUrl + '/d/m365mon-accounts?var-account={{ $labels.account }}',
            },
          },
          {
            alert: 'M365AccessEndsSoon',
            expr: 'min by (account, kind, resource, location) (m365_resource_token_expiry_timestamp_seconds' + bare + ') - time() < ' + c.accessEndsSoonDays + ' * 86400\n',
            'for': '10m',
            labels: {
              severity: 'info',
            },
            annotations: {
              summary: 'access to {{ $labels.resource }}{{ with $labels.location }} as seen from {{ . }}{{ end }} ends unless a person acts',
              description: 'From that moment {{ $labels.resource }} cannot be probed; {{ $value | humanizeDuration }} are left.',
              runbook_url: c.runbookUrl + '/M365AccessEndsSoon',
              dashboard_url: c.dashboardUrl + '/d/m365mon-resource?var-account={{ $labels.account }}&var-resource={{ $labels.resource }}',
            },
          },
          {
            alert: 'M365ExcessPermissions',
            expr: 'max by (account) (m365_account_excess_permissions' + bare + ') > 0\n',
            'for': '1h',
            labels: {
              severity: 'info',
            },
            annotations: {
              summary: 'account {{ $labels.account }} holds more rights than it needs',
              description: '{{ $value }} permissions are granted beyond what the configured resources need. Take them away.',
              runbook_url: c.runbookUrl + '/M365ExcessPermissions',
              dashboard_url: c.dashboardUrl + '/d/m365mon-accounts?var-account={{ $labels.account }}',
            },
          },
        ],
      },
      {
        name: 'm365mon-exporter',
        interval: '1m',
        rules: [
          {
            alert: 'M365ExporterDown',
            expr: 'up{' + c.jobSelector + '} == 0\n',
            'for': '3m',
            keep_firing_for: '5m',
            labels: {
              severity: 'page',
            },
            annotations: {
              summary: 'the exporter {{ $labels.instance }} cannot be scraped',
              description: 'Nothing is known about Microsoft 365 from there. The job must have m365mon in its name for this alert.',
              runbook_url: c.runbookUrl + '/M365ExporterDown',
              dashboard_url: c.dashboardUrl + '/d/m365mon-exporter?var-instance={{ $labels.instance }}',
            },
          },
          {
            alert: 'M365ExporterMissing',
            expr: 'absent(m365mon_build_info' + bare + ')\n',
            'for': '10m',
            labels: {
              severity: 'page',
            },
            annotations: {
              summary: 'no m365mon exporter is known to Prometheus',
              description: 'There is no target at all: the scrape configuration or the service discovery lost it.',
              runbook_url: c.runbookUrl + '/M365ExporterMissing',
              dashboard_url: c.dashboardUrl + '/d/m365mon-exporter',
            },
          },
          {
            alert: 'M365ProbesSkipped',
            expr: 'sum by (job, instance, cause) (increase(m365mon_probes_skipped_total{' + first + 'cause=~"overlap|missed|budget"}[15m])) > 5\n',
            'for': '15m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: 'the exporter {{ $labels.instance }} leaves out probes ({{ $labels.cause }})',
              description: 'In a quarter of an hour {{ $value | humanize }} due probes did not run although Microsoft did not ask for it: too many resources, too long timeouts or too little processor.',
              runbook_url: c.runbookUrl + '/M365ProbesSkipped',
              dashboard_url: c.dashboardUrl + '/d/m365mon-exporter?var-instance={{ $labels.instance }}',
            },
          },
          {
            alert: 'M365ProbesLate',
            expr: 'histogram_quantile(0.99, sum by (job, instance, le) (rate(m365mon_probe_start_delay_seconds_bucket' + bare + '[15m]))) > 1\n',
            'for': '15m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: 'probes of the exporter {{ $labels.instance }} start late',
              description: 'One in a hundred starts more than {{ $value | humanizeDuration }} after its time.',
              runbook_url: c.runbookUrl + '/M365ProbesLate',
              dashboard_url: c.dashboardUrl + '/d/m365mon-exporter?var-instance={{ $labels.instance }}',
            },
          },
          {
            alert: 'M365ConfigReloadFailed',
            expr: 'max_over_time(m365mon_config_last_reload_successful' + bare + '[5m]) == 0\n',
            'for': '10m',
            labels: {
              severity: 'ticket',
            },
            annotations: {
              summary: 'the exporter {{ $labels.instance }} runs with an old configuration',
              description: 'The last reload failed; the log says why, with line and column. `m365mon check-config` checks a file before it is used.',
              runbook_url: c.runbookUrl + '/M365ConfigReloadFailed',
              dashboard_url: c.dashboardUrl + '/d/m365mon-exporter?var-instance={{ $labels.instance }}',
            },
          },
        ],
      },
    ]),
  },
}
