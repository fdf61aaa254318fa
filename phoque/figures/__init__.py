"""One file a figure: a record becomes a sentence, a Plotly figure and a table, for pages and reports."""
