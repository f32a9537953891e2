/*
  For sanitized programs only: modules that MPI opens stay loaded, so that the leak report can name the module in which a
  block was allocated, and lsan.supp can tell MPI's blocks from ours.
*/
int dlclose(void *handle);

int dlclose(void *handle)
{
  (void)handle;
  return 0;
}
