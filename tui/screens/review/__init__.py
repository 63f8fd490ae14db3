"""Screen 9: doubtful labels and pictures, decided on one by one."""
