// The charts that statistics pages draw, and nothing else of ECharts (a third of the whole library).
import { BarChart, LineChart, MapChart, PieChart } from "echarts/charts";
import {
  AriaComponent,
  DatasetComponent,
  GeoComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TitleComponent,
  TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import { use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";

use([
  AriaComponent, BarChart, CanvasRenderer, DatasetComponent, GeoComponent, GridComponent,
  LabelLayout, LegendComponent, LineChart, MapChart, MarkLineComponent, PieChart,
  TitleComponent, TooltipComponent, VisualMapComponent,
]);

export { dispose, getInstanceByDom, init, registerMap, registerTheme } from "echarts/core";
