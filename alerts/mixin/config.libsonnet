// Written by alerts/generate.py from alerts/m365mon-*.yml: change those.
{
  _config+:: {
    // Matchers added to every metric of the exporter: 'cluster="a", team="web"'.
    selector: '',
    // Where runbooks and Grafana are.
    runbookUrl: 'https://m365mon.example/runbooks',
    dashboardUrl: 'https://grafana.example',
    // Alerts and records to leave out, by name.
    leaveOut: [],
    // Changes by name: { M365ResourceDown: { labels+: { severity: 'ticket' } } }.
    change: {},
    // Share of conclusive probes that shall succeed over 30 days.
    objective: 0.999,
    // A median above this is an alert, whatever was usual.
    latencyLimitSeconds: 4,
    // So many times slower than in the same half hour of last week is an alert.
    latencyFactor: 3,
    // Days before the end of a secret or certificate.
    credentialSoonDays: 30,
    credentialVerySoonDays: 7,
    // So many times too fast the error budget may be used up.
    burnRateFast: 14.4,
    burnRate: 6,
    burnRateSlow: 3,
    accessEndsSoonDays: 3,
    // Which targets are exporters: for `up`, which has no name of ours.
    jobSelector: 'job=~".*m365mon.*"',
  },
}
