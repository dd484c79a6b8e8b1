// Written by alerts/generate.py from alerts/m365mon-*.yml: change those.
(import 'config.libsonnet')
+ (import 'rules.libsonnet')
+ (import 'alerts.libsonnet')
+ {
  // Leaves out and changes what the configuration says.
  shaped(groups):: [
    group {
      rules: [
        local name = if std.objectHas(rule, 'alert') then rule.alert else rule.record;
        rule + (if std.objectHas($._config.change, name) then $._config.change[name] else {})
        for rule in group.rules
        if std.count($._config.leaveOut, if std.objectHas(rule, 'alert') then rule.alert else rule.record) == 0
      ],
    }
    for group in groups
  ],
  grafanaDashboards+:: {
    'm365mon-accounts.json': import '../../dashboards/m365mon-accounts.json',
    'm365mon-exporter.json': import '../../dashboards/m365mon-exporter.json',
    'm365mon-locations.json': import '../../dashboards/m365mon-locations.json',
    'm365mon-overview.json': import '../../dashboards/m365mon-overview.json',
    'm365mon-resource.json': import '../../dashboards/m365mon-resource.json',
    'm365mon-services.json': import '../../dashboards/m365mon-services.json',
    'm365mon-tenant.json': import '../../dashboards/m365mon-tenant.json',
  },
}
