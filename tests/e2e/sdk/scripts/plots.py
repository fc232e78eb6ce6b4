import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from clearml import Task
from told import tell

task = Task.init(project_name="reporting/plots", task_name="plots")
log = task.get_logger()
log.report_histogram("histogram", "counts", values=[1, 5, 3], iteration=1, xlabels=["a", "b", "c"])
log.report_vector("vector", "values", values=np.arange(6), iteration=1)
log.report_scatter2d("scatter", "2d", scatter=[(0, 1), (1, 4), (2, 9)], iteration=1)
log.report_scatter3d("scatter", "3d", scatter=np.arange(12).reshape(4, 3), iteration=1)
line = np.array([[0, 1], [1, 3], [2, 2]])
log.report_scatter2d("line", "lines", scatter=line, iteration=1, mode="lines")
log.report_line_plot(
    "line plot", [{"name": "one", "data": line}], iteration=1, xaxis="x", yaxis="y"
)
log.report_confusion_matrix("confusion", "test", matrix=np.eye(3), iteration=1)
log.report_matrix("matrix", "test", matrix=np.ones((2, 2)), iteration=1)
log.report_surface("surface", "test", matrix=np.ones((4, 4)), iteration=1)
log.report_table(
    "table",
    "pandas",
    iteration=1,
    table_plot=pd.DataFrame({"layer": ["in", "out"], "size": [3, 1]}),
)
log.report_table("table", "rows", iteration=1, table_plot=[["layer", "size"], ["in", 3]])
log.report_plotly("plotly", "bars", iteration=1, figure=go.Figure(go.Bar(y=[2, 3, 1])))
figure = plt.figure()
plt.plot([1, 2, 3], [1, 4, 9])
plt.title("squares")
log.report_matplotlib_figure("figure", "reported", iteration=1, figure=figure)
plt.show()
for iteration in range(3):
    log.report_histogram("over time", "weights", values=[iteration, 2], iteration=iteration)
task.flush(wait_for_uploads=True)

again = Task.get_task(task_id=task.id)
tell(id=task.id, plots=again.get_reported_plots(max_iterations=10))
task.close()
