// A loadable Python module, so that the file can be imported by torch's build tools and loaded by torch.ops.
#include <Python.h>

extern "C" PyMODINIT_FUNC PyInit__ops(void) {
  static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_ops", "signcore-jerk's torch ops", -1, nullptr};
  return PyModule_Create(&module);
}
