// What a dashboard of ours may be: Grafana's own schema, strictly, with the options of
// the panels that we use. A dashboard is checked as a literal of the type Board, so that
// an unknown property fails as well as a wrong value.
import type { Dashboard, DataSourceRef, FieldConfigSource, Panel, RowPanel } from '@grafana/schema';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// Plain is T as JSON has it: enumerations are their values.
type Plain<T> = T extends string ? `${T}` : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;

// Query is what the Prometheus data source takes.
interface Query {
  datasource: DataSourceRef;
  refId: string;
  expr: string;
  legendFormat: string;
  range?: boolean;
  instant?: boolean;
}

type Field<Custom> = Omit<FieldConfigSource, 'defaults'> & {
  defaults: Omit<FieldConfigSource['defaults'], 'custom'> & { custom?: Custom };
};

type Of<Type extends string, Options, Custom> =
  Plain<Omit<Panel, 'type' | 'targets' | 'options' | 'fieldConfig'>> &
  Required<Plain<Pick<Panel, 'id' | 'title' | 'description' | 'gridPos'>>> & {
    type: Type;
    targets: Query[];
    options: Plain<Options>;
    fieldConfig: Plain<Field<Custom>>;
  };

type Row = Plain<Omit<RowPanel, 'type' | 'panels'>> & { type: 'row'; panels: [] };

export type Board = Plain<Omit<Dashboard, 'panels'>> & {
  panels: (Row | Of<'timeseries', timeseries.Options, timeseries.FieldConfig> | Of<'stat', stat.Options, never>)[];
};
